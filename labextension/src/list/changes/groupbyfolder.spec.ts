import { expect, it } from 'vitest';

import { groupByFolder } from './groupbyfolder';

it('groups the rows of one folder, and names a single one in full', () => {
  const keys = ['d/a', 'e/f/', 'd/b c/', 'top', 'd//'];
  expect(groupByFolder('s3://b/', keys, 's3://c/x/')).toEqual([
    {
      keys: ['d/a', 'd/b c/', 'd//'],
      request: { source: 's3://b/d/', names: ['a', 'b c/', '/'], target: 's3://c/x/' }
    },
    { keys: ['e/f/'], request: { source: 's3://b/e/f/', target: 's3://c/x/f/' } },
    { keys: ['top'], request: { source: 's3://b/top', target: 's3://c/x/top' } }
  ]);
  expect(groupByFolder('workspace://', ['a', 'b/'], 's3://c/')[0].request).toEqual({
    source: 'workspace://',
    names: ['a', 'b/'],
    target: 's3://c/'
  });
});

it('splits groups that do not fit in one request', () => {
  const keys = Array.from({ length: 10_001 }, (_, number) => `d/${number}`);
  const made = groupByFolder('s3://b/', keys, 's3://c/');
  expect(made.flatMap(one => one.keys)).toEqual(keys);
  expect(made.map(({ request }) => request.names?.length)).toEqual([10_000, undefined]);
  expect(made[1].request).toEqual({ source: 's3://b/d/10000', target: 's3://c/10000' });
});
