import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import { Deferred, page } from '../testing/fakes';
import type { ISearch, ObjectList } from '../tokens';
import { BrowserModel } from './browser';
import type { IStorage } from './storage';

const WHAT: ISearch = { q: 'x', mode: 'contains', recursive: true };

const step = (keys: string[], scanned: number, next: string | null): ObjectList => ({
  ...page(keys, [], next),
  scanned
});

describe('A search', () => {
  let steps: (token: string | undefined) => Promise<ObjectList>;
  let signals: AbortSignal[];
  let model: BrowserModel;
  const names = () => model.rows.map(({ name }) => name);

  beforeEach(async () => {
    signals = [];
    const listObjects = vi.fn<IStorage['listObjects']>(async (_b, _p, options) => {
      if (!options.search) {
        return page(['d/here', 'd/x'], ['d/sub/']);
      }
      signals.push(options.signal!);
      return steps(options.continuationToken);
    });
    model = new BrowserModel({
      pageSize: () => 1000,
      store: {
        listBuckets: async () => ({ owner: null, defaultBucket: 'b', buckets: [], listable: true }),
        listObjects
      }
    });
    await model.open('b', 'd/');
  });

  it('continues after steps without hits, and shows each hit once and how much was scanned', async () => {
    const replies: Record<string, ObjectList> = {
      '': step(['d/x'], 1000, 'two'),
      two: step([], 1000, 'three'),
      three: step(['d/x', 'd/sub/x.bin'], 10, null)
    };
    steps = async token => replies[token ?? ''];
    await model.startSearch(WHAT);
    expect(names()).toEqual(['x', 'sub/x.bin']);
    expect([model.search?.scanned, model.hasMore, model.loadingMore]).toEqual([2010, false, false]);
    model.endSearch();
    expect(names()).toEqual(['sub', 'here', 'x']);
  });

  it('is aborted by Cancel, keeps its hits, and continues where it stopped', async () => {
    const slow = new Deferred<ObjectList>();
    steps = async token => (token ? slow.promise : step(['d/x'], 5, 'two'));
    const running = model.startSearch(WHAT);
    await vi.waitFor(() => expect(signals).toHaveLength(2));
    model.stop();
    slow.resolve(step(['d/late'], 5, null));
    await running;
    expect([signals[1].aborted, names(), model.search?.cancelled]).toEqual([true, ['x'], true]);
    steps = async () => step(['d/late'], 5, null);
    await model.loadMore();
    expect([names(), model.search?.scanned]).toEqual([['x', 'late'], 10]);
  });

  it('ignores the reply of an older search', async () => {
    const slow = new Deferred<ObjectList>();
    steps = () => slow.promise;
    const first = model.startSearch(WHAT);
    steps = async () => step(['d/new'], 1, null);
    await model.startSearch({ ...WHAT, q: 'new' });
    slow.resolve(step(['d/old'], 1, null));
    await first;
    expect([names(), signals[0].aborted]).toEqual([['new'], true]);
  });

  it('keeps its hits when a step fails, and can be retried', async () => {
    steps = async token => {
      if (token) {
        throw new ApiError('SlowDown', 'busy', 503);
      }
      return step(['d/x'], 5, 'two');
    };
    await model.startSearch(WHAT);
    expect([names(), model.error?.message]).toEqual([['x'], 'busy']);
    steps = async () => step(['d/y'], 5, null);
    await model.loadMore();
    expect([names(), model.error]).toEqual([['x', 'y'], null]);
  });

  it('pauses after thousands of hits until the user scrolls to them', async () => {
    let requests = 0;
    steps = async () => {
      const keys = Array.from({ length: 1000 }, (_, index) => `d/x${requests}-${index}`);
      requests += 1;
      return step(keys, 1000, String(requests));
    };
    await model.startSearch(WHAT);
    expect([requests, model.hasMore]).toEqual([5, true]);
    await model.loadMore();
    expect(requests).toBe(10);
  });

  it('ends when another folder is opened', async () => {
    steps = async () => step(['d/x'], 1, null);
    await model.startSearch(WHAT);
    await model.open('b', 'd/', 'd/x');
    expect([model.search, model.selection.active]).toEqual([null, 'd/x']);
  });
});
