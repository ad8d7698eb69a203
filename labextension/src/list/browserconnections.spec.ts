import { beforeEach, describe, expect, it, vi } from 'vitest';

import { bucketAddress, connectionOf } from '../api/bucketaddress';
import { ApiError } from '../api/request';
import { Deferred, page } from '../testing/fakes';
import type { BucketList, ObjectList } from '../tokens';
import { BrowserModel } from './browser';
import type { IStorage } from './storage';

/** Each connection has a bucket `data` with one object, named after the connection. */
function bucketsOf(connection: string): BucketList {
  const Name = bucketAddress({ connection, bucket: 'data' });
  return { owner: null, defaultBucket: null, buckets: [{ Name }], listable: true };
}

const objectsOf = (bucket: string, prefix: string) =>
  page([`${prefix}${connectionOf(bucket) || 'default'}.txt`]);

describe('BrowserModel with several connections', () => {
  const listBuckets = vi.fn<IStorage['listBuckets']>();
  const listObjects = vi.fn<IStorage['listObjects']>();
  let model: BrowserModel;
  const names = () => model.rows.map(({ name }) => name);

  beforeEach(async () => {
    listBuckets.mockReset().mockImplementation(async (_, connection = '') => bucketsOf(connection));
    listObjects.mockReset().mockImplementation(async (bucket, prefix) => objectsOf(bucket, prefix));
    model = new BrowserModel({ store: { listBuckets, listObjects }, pageSize: () => 3 });
    await model.start();
  });

  it('shows the buckets and objects of the connection that is chosen', async () => {
    await model.openConnection('archive');
    expect([model.connection, model.bucket, names()]).toEqual([
      'archive',
      'archive@data',
      ['archive.txt']
    ]);
    expect(model.buckets.names).toEqual(['archive@data']);
    await model.openConnection('default');
    expect([model.bucket, names()]).toEqual(['data', ['default.txt']]);
  });

  it("keeps each connection's last location, and no selection", async () => {
    await model.open('data', 'a/');
    model.select(selection => selection.only('a/default.txt'));
    await model.openConnection('archive');
    expect([model.prefix, model.selection.keys.size]).toEqual(['', 0]);
    await model.open('archive@data', 'b/');
    await model.openConnection('');
    expect([model.bucket, model.prefix, model.selection.keys.size]).toEqual(['data', 'a/', 0]);
    await model.openConnection('archive');
    expect([model.bucket, model.prefix]).toEqual(['archive@data', 'b/']);
  });

  it('ignores objects of the connection that was left', async () => {
    const slow = new Deferred<ObjectList>();
    listObjects.mockReturnValueOnce(slow.promise);
    const left = model.open('data', 'slow/');
    await model.openConnection('archive');
    slow.resolve(page(['slow/secret']));
    await left;
    expect([model.bucket, names()]).toEqual(['archive@data', ['archive.txt']]);
  });

  it('ignores buckets of the connection that was left', async () => {
    const slow = new Deferred<BucketList>();
    listBuckets.mockReturnValueOnce(slow.promise);
    const left = model.openConnection('slow');
    await model.openConnection('archive');
    slow.resolve(bucketsOf('slow'));
    await left;
    expect([model.connection, model.bucket, model.buckets.names]).toEqual([
      'archive',
      'archive@data',
      ['archive@data']
    ]);
  });

  it('ignores a background reload of the connection that was left', async () => {
    const slow = new Deferred<ObjectList>();
    listObjects.mockReturnValueOnce(slow.promise);
    const left = model.refreshInBackground();
    await model.openConnection('archive');
    slow.resolve(page(['late']));
    await left;
    expect(names()).toEqual(['archive.txt']);
  });

  it('shows nothing of the previous connection while the next one is read', async () => {
    listBuckets.mockReturnValueOnce(new Deferred<BucketList>().promise);
    void model.openConnection('archive');
    expect([model.bucket, model.rows.length, model.loading]).toEqual([null, 0, true]);
    expect(model.buckets.names).toEqual([]);
  });

  it('shows the error of a connection that cannot be used, and leaves it again', async () => {
    listBuckets.mockRejectedValueOnce(new ApiError('BadRequest', 'It has no keys.', 400));
    await model.openConnection('broken');
    expect([model.connection, model.error?.message]).toEqual(['broken', 'It has no keys.']);
    await model.openConnection('');
    expect([model.error, names()]).toEqual([null, ['default.txt']]);
  });

  it('does not take a change in a bucket of the same name for one of its own', () => {
    expect(model.shows('archive@data', '')).toBe(false);
    expect(model.shows('data', '')).toBe(true);
  });

  it('lists the buckets of the connection that an address names', async () => {
    await model.open('archive@data', 'b/');
    expect(model.connection).toBe('archive');
    await vi.waitFor(() => expect(model.buckets.names).toEqual(['archive@data']));
  });

  it('starts where it was left, in its connection', async () => {
    model = new BrowserModel({ store: { listBuckets, listObjects }, pageSize: () => 3 });
    await model.start({ bucket: 'archive@data', prefix: 'b/' });
    expect([model.connection, model.bucket, model.prefix]).toEqual([
      'archive',
      'archive@data',
      'b/'
    ]);
  });

  it('starts with the default connection if the last one does not exist any more', async () => {
    listBuckets.mockRejectedValueOnce(new ApiError('NoSuchConnection', 'There is none.', 404));
    model = new BrowserModel({ store: { listBuckets, listObjects }, pageSize: () => 3 });
    await model.start({ bucket: 'gone@data', prefix: 'b/' });
    expect([model.connection, model.bucket, model.prefix]).toEqual(['', 'data', '']);
  });

  it('leaves a connection that is removed, and its recent locations', async () => {
    await model.open('archive@data', 'b/');
    await model.connectionRemoved('archive');
    expect(model.bucket).toBe('data');
    expect(model.recent.locations.map(({ bucket }) => bucket)).not.toContain('archive@data');
    await model.openConnection('archive');
    expect(model.prefix).toBe('');
  });
});
