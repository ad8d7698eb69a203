import { beforeEach, describe, expect, it } from 'vitest';

import { ApiError } from '../api/request';
import { Deferred } from '../testing/fakes';
import type { Usage } from '../tokens';
import { UsageModel } from './usage';

const part = (objects: number, next: string | null): Usage => ({
  objects,
  bytes: objects * 10,
  nextContinuationToken: next,
  isTruncated: next !== null
});

describe('UsageModel', () => {
  let answer: (token: string | undefined) => Promise<Usage>;
  let signal: AbortSignal;
  let model: UsageModel;

  beforeEach(() => {
    model = new UsageModel({
      countUsage: (_bucket, _prefix, options) => {
        signal = options.signal!;
        return answer(options.continuationToken);
      }
    });
  });

  it('sums the steps', async () => {
    answer = async token => (token ? part(2, null) : part(1000, 'more'));
    await model.count('b', 'f/');
    expect(model.get('b', 'f/')).toMatchObject({ objects: 1002, bytes: 10020, state: 'counted' });
  });

  it('keeps its result when stopped, and ignores later replies', async () => {
    const slow = new Deferred<Usage>();
    answer = async token => (token ? slow.promise : part(7, 'more'));
    const counting = model.count('b', 'f/');
    await Promise.resolve();
    await Promise.resolve();
    expect(model.get('b', 'f/')?.state).toBe('counting');
    model.stop('b', 'f/');
    slow.resolve(part(5, null));
    await counting;
    expect([signal.aborted, model.get('b', 'f/')?.state]).toEqual([true, 'stopped']);
    expect(model.get('b', 'f/')?.objects).toBe(7);
  });

  it('says why it failed', async () => {
    answer = async () => {
      throw new ApiError('AccessDenied', 'no', 403);
    };
    await model.count('b', 'f/');
    expect(model.get('b', 'f/')).toMatchObject({ state: 'failed', error: { message: 'no' } });
  });

  it('discards counts of folders below or above a change, and no others', async () => {
    answer = async () => part(1, null);
    await Promise.all(['f/', 'f/g/', 'h/'].map(prefix => model.count('b', prefix)));
    model.invalidate('b', 'f/g/new.txt');
    expect(['f/', 'f/g/', 'h/'].map(prefix => model.get('b', prefix)?.state)).toEqual([
      undefined,
      undefined,
      'counted'
    ]);
  });

  it('counts buckets of the same name in two connections separately', async () => {
    const buckets = ['models', 'archive@models', 'archive2@models'];
    answer = async () => part(3, null);
    for (const bucket of buckets) {
      await model.count(bucket, 'a/');
    }
    const counted = () => buckets.filter(bucket => model.get(bucket, 'a/'));
    model.invalidate('models', 'a/b/');
    expect(counted()).toEqual(['archive@models', 'archive2@models']);
    model.forgetConnection('archive');
    expect(counted()).toEqual(['archive2@models']);
  });
});
