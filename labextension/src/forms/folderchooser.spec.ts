import { describe, expect, it, vi } from 'vitest';

import { connection, Deferred, page } from '../testing/fakes';
import type { ObjectList } from '../tokens';
import { FolderChooser } from './folderchooser';

describe('FolderChooser', () => {
  const make = (listObjects: FolderChooser.IServer['listObjects']) =>
    new FolderChooser({
      server: {
        listObjects,
        listBuckets: vi.fn().mockRejectedValue(new Error('not allowed')),
        createFolder: vi.fn()
      },
      bucket: 'b',
      prefix: '',
      sleep: async () => undefined
    });
  const read = (chooser: FolderChooser) => vi.waitFor(() => expect(chooser.loading).toBe(false));

  it('looks for folders after pages of files, up to a limit', async () => {
    const listObjects = vi
      .fn<FolderChooser.IServer['listObjects']>()
      .mockResolvedValue(page(['f'], [], 'more'));
    const chooser = make(listObjects);
    await read(chooser);
    expect(listObjects).toHaveBeenCalledTimes(5);
    expect([chooser.hasMore, chooser.isNew]).toEqual([true, false]);
    listObjects.mockResolvedValueOnce(page([], ['z/']));
    await chooser.loadMore();
    expect([...chooser.folders, chooser.hasMore]).toEqual(['z/', false]);
  });

  it('ignores the reply for a folder that was left', async () => {
    const slow = new Deferred<ObjectList>();
    const listObjects = vi
      .fn<FolderChooser.IServer['listObjects']>()
      .mockReturnValueOnce(slow.promise)
      .mockResolvedValue(page([], ['x/y/']));
    const chooser = make(listObjects);
    await vi.waitFor(() => expect(listObjects).toHaveBeenCalled());
    chooser.open('b', 'x/');
    await read(chooser);
    slow.resolve(page([], ['wrong/']));
    await slow.promise;
    expect(chooser.folders).toEqual(['x/y/']);
  });

  it('chooses a folder of another connection, whose buckets it lists', async () => {
    const listObjects = vi
      .fn<FolderChooser.IServer['listObjects']>()
      .mockResolvedValue(page([], ['x/']));
    const listBuckets = vi.fn(async (_?: AbortSignal, name = '') => ({
      owner: null,
      defaultBucket: null,
      buckets: [{ Name: name ? `${name}@data` : 'data' }, { Name: name ? `${name}@old` : 'b' }],
      listable: true
    }));
    const chooser = new FolderChooser({
      server: { listObjects, listBuckets, createFolder: vi.fn() },
      connections: [connection({ name: 'default' }), connection({ name: 'archive' })],
      bucket: 'b',
      prefix: 'a/',
      sleep: async () => undefined
    });
    await read(chooser);
    listObjects.mockClear();
    chooser.chooseConnection('archive');
    expect([chooser.connection, chooser.bucketName, chooser.prefix]).toEqual(['archive', '', '']);
    await vi.waitFor(() => expect(chooser.buckets).toEqual(['data', 'old']));
    // Nothing is read before a bucket is chosen.
    expect(listObjects).not.toHaveBeenCalled();
    chooser.typeBucket('data');
    await read(chooser);
    expect(chooser.bucket).toBe('archive@data');
    expect(listObjects.mock.lastCall!.slice(0, 2)).toEqual(['archive@data', '']);
  });

  it('uses the entered key unchanged', async () => {
    const chooser = make(vi.fn().mockResolvedValue(page([])));
    chooser.type(' a//b');
    expect(chooser.prefix).toBe(' a//b/');
    expect(chooser.text).toBe(' a//b');
    chooser.type('');
    expect(chooser.prefix).toBe('');
    await read(chooser);
    expect(chooser.isNew).toBe(false);
  });
});
