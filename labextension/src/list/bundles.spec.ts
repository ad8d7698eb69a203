import { expect, it } from 'vitest';

import { bundles } from './bundles';

it('takes what is in one folder together, and one alone by its whole name', () => {
  const keys = ['d/a', 'e/f/', 'd/b c/', 'top', 'd//'];
  expect(bundles('s3://b/', keys, 's3://c/x/')).toEqual([
    {
      keys: ['d/a', 'd/b c/', 'd//'],
      request: { source: 's3://b/d/', names: ['a', 'b c/', '/'], target: 's3://c/x/' }
    },
    { keys: ['e/f/'], request: { source: 's3://b/e/f/', target: 's3://c/x/f/' } },
    { keys: ['top'], request: { source: 's3://b/top', target: 's3://c/x/top' } }
  ]);
  expect(bundles('workspace://', ['a', 'b/'], 's3://c/')[0].request).toEqual({
    source: 'workspace://',
    names: ['a', 'b/'],
    target: 's3://c/'
  });
});
