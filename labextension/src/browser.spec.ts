import { beforeEach, describe, expect, it, vi } from 'vitest';

import { BrowserModel } from './browser';
import { ApiError } from './request';
import type { IStorage } from './storage';
import { Deferred, page } from './testing/fakes';
import type { BucketList, ObjectList } from './tokens';

const BUCKETS: BucketList = {
  owner: null,
  defaultBucket: null,
  buckets: [{ Name: 'first' }, { Name: 'second' }],
  listable: true
};

function storeOf(listObjects: IStorage['listObjects'], buckets = BUCKETS) {
  return {
    listBuckets: vi.fn(async () => buckets),
    createBucket: vi.fn(async () => undefined),
    listObjects: vi.fn(listObjects),
    createFolder: vi.fn(async () => undefined),
    deleteObjects: vi.fn<IStorage['deleteObjects']>(async () => ({
      reply: { deleted: [], errors: [] }
    }))
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
    it('opens the default bucket, whatever was open last', async () => {
      make(async () => page(['x']), { ...BUCKETS, defaultBucket: 'mine' });
      await model.start({ bucket: 'second', prefix: 'a/' });
      expect([model.bucket, model.prefix]).toEqual(['mine', '']);
    });

    it('opens the remembered place when there is no default', async () => {
      await model.start({ bucket: 'second', prefix: 'a/' });
      expect([model.bucket, model.prefix]).toEqual(['second', 'a/']);
    });

    it('opens nothing when the credentials may not list', async () => {
      make(async () => page([]), { ...BUCKETS, buckets: [], listable: false });
      await model.start();
      expect([model.bucket, model.buckets.listable, model.loading]).toEqual([null, false, false]);
    });

    it('can be tried again by a refresh, and still knows the place', async () => {
      store.listBuckets.mockRejectedValueOnce(new ApiError('StoreUnreachable', 'down', 502));
      await model.start({ bucket: 'second', prefix: 'a/' });
      expect(model.error?.message).toBe('down');
      await model.refresh();
      expect([model.error, model.bucket, model.prefix]).toEqual([null, 'second', 'a/']);
    });
  });

  describe('#open()', () => {
    it('never shows the answer of a place that was left', async () => {
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

    it('does not take the error of a place that was left', async () => {
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

    it('goes on when a first page holds nothing but the marker', async () => {
      make(async (_, prefix, { continuationToken }) =>
        continuationToken ? page([`${prefix}x`]) : page([prefix], [], 'more')
      );
      await model.open('b', 'a/');
      expect(names(model)).toEqual(['x']);
    });
  });

  it('focuses the folder one came from when going up', async () => {
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

    it('keeps the rows when the next page fails, and can be tried again', async () => {
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

    it('drops a page of a folder that was left', async () => {
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

  it('re-reads all loaded pages on refresh and keeps what is still selected', async () => {
    let gone = false;
    make(async (_bucket, _prefix, { continuationToken }) =>
      continuationToken ? page(['c', 'd']) : page(gone ? ['b'] : ['a', 'b'], [], 'two')
    );
    await model.start({ bucket: 'b', prefix: '' });
    await model.loadMore();
    model.select(selection => selection.all(['a', 'b', 'c', 'd']));
    gone = true;
    await model.refresh();
    expect(names(model)).toEqual(['b', 'c', 'd']);
    expect([...model.selection.keys]).toEqual(['b', 'c', 'd']);
  });

  it('deletes files exactly and folders as prefixes', async () => {
    make(async () => page(['a/x'], ['a/x/']));
    await model.start({ bucket: 'b', prefix: 'a/' });
    store.deleteObjects.mockResolvedValueOnce({
      reply: { deleted: [], errors: [{ Key: 'a/x', Code: 'AccessDenied', Message: 'no' }] }
    });
    const { errors } = await model.remove(model.rows);
    expect(store.deleteObjects).toHaveBeenCalledWith('b', { keys: ['a/x'], prefixes: ['a/x/'] });
    expect(errors).toHaveLength(1);
  });

  it('filters the loaded rows, and what is hidden is not selected', async () => {
    make(async () => page(['Model.bin', 'data.csv']));
    await model.open('b');
    model.select(selection => selection.all(['Model.bin', 'data.csv']));
    model.setFilter('mod');
    expect(names(model)).toEqual(['Model.bin']);
    expect(model.selectedRows.map(({ key }) => key)).toEqual(['Model.bin']);
  });
});
