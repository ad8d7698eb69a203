import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import { Deferred, page } from '../testing/fakes';
import type { BucketList, ObjectList } from '../tokens';
import { BrowserModel } from './browser';
import type { IStorage } from './storage';

const BUCKETS: BucketList = {
  owner: null,
  defaultBucket: null,
  buckets: [{ Name: 'first' }, { Name: 'second' }],
  listable: true
};

function storeOf(listObjects: IStorage['listObjects'], buckets = BUCKETS) {
  return {
    listBuckets: vi.fn(async () => buckets),
    listObjects: vi.fn(listObjects)
  };
}

const names = (model: BrowserModel) => model.rows.map(({ name }) => name);

describe('BrowserModel', () => {
  let store: ReturnType<typeof storeOf>;
  let model: BrowserModel;

  const make = (listObjects: IStorage['listObjects'], buckets?: BucketList) => {
    store = storeOf(listObjects, buckets);
    model = new BrowserModel({ store, pageSize: () => 3 });
  };

  beforeEach(() => make(async () => page([])));

  describe('#start()', () => {
    it('opens the default bucket, even if another location is remembered', async () => {
      make(async () => page(['x']), { ...BUCKETS, defaultBucket: 'mine' });
      await model.start({ bucket: 'second', prefix: 'a/' });
      expect([model.bucket, model.prefix]).toEqual(['mine', '']);
    });

    it('opens the remembered location if there is no default', async () => {
      await model.start({ bucket: 'second', prefix: 'a/' });
      expect([model.bucket, model.prefix]).toEqual(['second', 'a/']);
    });

    it('opens nothing if the credentials cannot list buckets', async () => {
      make(async () => page([]), { ...BUCKETS, buckets: [], listable: false });
      await model.start();
      expect([model.bucket, model.buckets.listable, model.loading]).toEqual([null, false, false]);
    });

    it('can be retried by a refresh, and keeps the location', async () => {
      store.listBuckets.mockRejectedValueOnce(new ApiError('StoreUnreachable', 'down', 502));
      await model.start({ bucket: 'second', prefix: 'a/' });
      expect(model.error?.message).toBe('down');
      await model.refresh();
      expect([model.error, model.bucket, model.prefix]).toEqual([null, 'second', 'a/']);
    });
  });

  describe('#open()', () => {
    it('ignores the reply for a folder that was left', async () => {
      const slow = new Deferred<ObjectList>();
      const signals: AbortSignal[] = [];
      make((_, prefix, { signal }) => {
        signals.push(signal!);
        return prefix === 'slow/' ? slow.promise : Promise.resolve(page(['fast/x']));
      });
      const first = model.open('b', 'slow/');
      await model.open('b', 'fast/');
      slow.resolve(page(['slow/y']));
      await first;
      expect(signals[0].aborted).toBe(true);
      expect([model.prefix, names(model), model.loading]).toEqual(['fast/', ['x'], false]);
    });

    it('ignores the error for a folder that was left', async () => {
      const slow = new Deferred<ObjectList>();
      make((_, prefix) => (prefix === 'slow/' ? slow.promise : Promise.resolve(page(['x']))));
      const first = model.open('b', 'slow/');
      await model.open('b', '');
      slow.reject(new ApiError('AccessDenied', 'no', 403));
      await first;
      expect(model.error).toBeNull();
    });

    it("hides the folder's own marker and puts folders first, in the store's order", async () => {
      make(async () => page(['a/', 'a/z', 'a/B'], ['a/y/', 'a/c/']));
      await model.open('b', 'a/');
      expect(names(model)).toEqual(['y', 'c', 'z', 'B']);
    });

    it('continues if the first page contains only the marker', async () => {
      make(async (_, prefix, { continuationToken }) =>
        continuationToken ? page([`${prefix}x`]) : page([prefix], [], 'more')
      );
      await model.open('b', 'a/');
      expect(names(model)).toEqual(['x']);
    });
  });

  it('focuses the previous folder when going up', async () => {
    make(async (_, prefix) => (prefix === '' ? page(['x'], ['a/', 'b/']) : page([])));
    await model.open('bucket', 'b/');
    await model.up();
    expect(model.selection.active).toBe('b/');
  });

  describe('#loadMore()', () => {
    beforeEach(() => {
      make(async (_bucket, _prefix, { continuationToken }) =>
        continuationToken === 'two' ? page(['c'], ['f/']) : page(['a', 'b'], [], 'two')
      );
    });

    it('passes the token through and appends the page once', async () => {
      await model.open('b');
      await Promise.all([model.loadMore(), model.loadMore()]);
      expect(store.listObjects).toHaveBeenCalledTimes(2);
      expect(store.listObjects.mock.lastCall![2]).toMatchObject({
        continuationToken: 'two',
        maxKeys: 3
      });
      expect([names(model), model.hasMore]).toEqual([['f', 'a', 'b', 'c'], false]);
    });

    it('keeps the rows when the next page fails, and can be retried', async () => {
      await model.open('b');
      store.listObjects.mockRejectedValueOnce(new ApiError('SlowDown', 'busy', 503));
      await model.loadMore();
      expect([names(model), model.hasMore, model.error?.message]).toEqual([
        ['a', 'b'],
        true,
        'busy'
      ]);
      await model.loadMore();
      expect([names(model), model.error]).toEqual([['f', 'a', 'b', 'c'], null]);
    });

    it('ignores a page of a folder that was left', async () => {
      await model.open('b');
      const slow = new Deferred<ObjectList>();
      store.listObjects.mockReturnValueOnce(slow.promise);
      const more = model.loadMore();
      await model.open('b', 'other/');
      slow.resolve(page(['stale']));
      await more;
      expect(names(model)).not.toContain('stale');
    });
  });

  it('reloads all loaded pages on refresh and keeps the selection of existing rows', async () => {
    let isDeleted = false;
    make(async (_bucket, _prefix, { continuationToken }) =>
      continuationToken ? page(['c', 'd']) : page(isDeleted ? ['b'] : ['a', 'b'], [], 'two')
    );
    await model.start({ bucket: 'b', prefix: '' });
    await model.loadMore();
    model.select(selection => selection.all(['a', 'b', 'c', 'd']));
    isDeleted = true;
    await model.refresh();
    expect(names(model)).toEqual(['b', 'c', 'd']);
    expect([...model.selection.keys]).toEqual(['b', 'c', 'd']);
  });

  it('filters the loaded rows, and deselects hidden ones', async () => {
    make(async () => page(['Model.bin', 'data.csv']));
    await model.open('b');
    model.select(selection => selection.all(['Model.bin', 'data.csv']));
    model.setFilter('mod');
    expect(names(model)).toEqual(['Model.bin']);
    expect(model.selectedRows.map(({ key }) => key)).toEqual(['Model.bin']);
  });

  describe('#loadAll()', () => {
    it('continues after a refresh', async () => {
      const held: Deferred<ObjectList>[] = [];
      make((_, __, { continuationToken, signal }) => {
        if (continuationToken === 'last' && !held.length) {
          held.push(new Deferred());
          signal!.addEventListener('abort', () => held[0].reject(signal!.reason));
          return held[0].promise;
        }
        const pages: Record<string, ObjectList> = {
          '': page(['a'], [], 'more'),
          more: page(['b'], [], 'last'),
          last: page(['c'])
        };
        return Promise.resolve(pages[continuationToken ?? '']);
      });
      await model.startAt({ bucket: 'first', prefix: '' });
      const all = model.loadAll();
      await vi.waitFor(() => expect(held).toHaveLength(1));
      await model.refresh();
      await all;
      expect(names(model)).toEqual(['a', 'b', 'c']);
    });
  });

  describe('#refreshInBackground()', () => {
    const open = async () => {
      const keys = Array.from({ length: 60 }, (_, index) => `k${String(index).padStart(2, '0')}`);
      make(async (_bucket, _prefix, { continuationToken = '0' }) => {
        const start = Number(continuationToken);
        const end = start + 3;
        return page(keys.slice(start, end), [], end < keys.length ? String(end) : null);
      });
      await model.open('b');
      await model.loadAll();
      return keys;
    };

    it('keeps loaded pages, selection and focus, and shows changes', async () => {
      const keys = await open();
      model.select(selection => selection.only('k40'));
      keys.splice(1, 1);
      await model.refreshInBackground();
      expect(names(model)).toEqual(keys);
      expect([...model.selection.keys]).toEqual(['k40']);
      expect(model.loading).toBe(false);
    });

    it('removes deleted rows, also from pages that are not reloaded', async () => {
      const keys = await open();
      model.select(selection => selection.only('k50'));
      keys.splice(50, 1);
      await model.refreshInBackground({ gone: ['k50'] });
      expect(names(model)).toEqual(keys);
      expect(model.selection.active).toBe('k51');
    });

    it('moves the focus to the renamed row, unless the user has moved it', async () => {
      const keys = await open();
      const renamed = { from: 'k02', to: 'k02b' };
      keys[2] = 'k02b';
      model.select(selection => selection.only('k02'));
      await model.refreshInBackground({ gone: ['k02'], renamed });
      expect(model.selection.active).toBe('k02b');
      model.select(selection => selection.only('k30'));
      await model.refreshInBackground({ renamed });
      expect(model.selection.active).toBe('k30');
    });

    it('keeps the user’s selection while the list is loading', async () => {
      const keys = await open();
      keys[2] = 'k02b';
      model.select(selection => selection.only('k02'));
      const refreshed = model.refreshInBackground({
        gone: ['k02'],
        renamed: { from: 'k02', to: 'k02b' }
      });
      model.select(selection => selection.only('k30'));
      await refreshed;
      expect([...model.selection.keys]).toEqual(['k30']);
    });

    it('keeps the rows when it fails, and waits for a pending page', async () => {
      const keys = await open();
      store.listObjects.mockRejectedValueOnce(new ApiError('SlowDown', 'busy', 503));
      await model.refreshInBackground();
      expect([names(model), model.error]).toEqual([keys, null]);
      await model.open('b', '');
      const slow = new Deferred<ObjectList>();
      store.listObjects.mockReturnValueOnce(slow.promise);
      const more = model.loadMore();
      await model.refreshInBackground();
      keys.unshift('k');
      slow.resolve(page(['k03', 'k04', 'k05'], [], '6'));
      await more;
      await vi.waitFor(() => expect(names(model).slice(0, 2)).toEqual(['k', 'k00']));
    });
  });

  it('loads more pages for the row to focus, up to a limit', async () => {
    make(async (_bucket, _prefix, { continuationToken = '0' }) => {
      const start = Number(continuationToken);
      return page([`k${start}`], [], start < 9 ? String(start + 1) : null);
    });
    await model.open('b', '', 'k4');
    expect([model.selection.active, names(model).length]).toEqual(['k4', 5]);
    await model.open('b', '', 'k1-is-not-there');
    expect([model.selection.active, names(model).length]).toEqual([null, 3]);
  });

  it('keeps the user’s selection while the row to focus is loading', async () => {
    make(async () => page(['a', 'b', 'new']));
    await model.startAt({ bucket: 'first', prefix: '' });
    const buckets = new Deferred<BucketList>();
    store.listBuckets.mockReturnValueOnce(buckets.promise);
    const refreshed = model.refresh('new');
    model.select(selection => selection.only('a'));
    buckets.resolve(BUCKETS);
    await refreshed;
    expect([...model.selection.keys]).toEqual(['a']);
    await model.refresh('new');
    expect([...model.selection.keys]).toEqual(['new']);
  });

  it('opens a URI: a folder without its slash, or an object in its folder', async () => {
    make(async (_, prefix) => (prefix === 'd/' ? page(['d/x']) : page([])));
    await model.openLocation('b', 'd');
    expect(model.prefix).toBe('d/');
    await model.openLocation('b', 'd/x');
    expect([model.prefix, model.selection.active]).toEqual(['d/', 'd/x']);
    expect(model.recent.locations[0]).toEqual({ bucket: 'b', prefix: 'd/' });
  });
});
