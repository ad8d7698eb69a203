import { describe, expect, it, vi } from 'vitest';

import { Deferred, page } from '../testing/fakes';
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
