import { beforeEach, describe, expect, it, vi } from 'vitest';

import { page, transfer } from '../../testing/fakes';
import { BrowserModel } from '../browser';
import { Edits } from './edits';

describe('Edits', () => {
  const listObjects = vi.fn(async () => page(['a/x'], ['a/x/']));
  const server = {
    createBucket: vi.fn(async () => undefined),
    createFolder: vi.fn(async () => undefined),
    deleteObjects: vi.fn<Edits.IServer['deleteObjects']>()
  };
  let model: BrowserModel;
  let edits: Edits;

  beforeEach(async () => {
    vi.clearAllMocks();
    const listBuckets = async () => ({
      owner: null,
      defaultBucket: null,
      buckets: [{ Name: 'b' }],
      listable: true
    });
    model = new BrowserModel({ store: { listBuckets, listObjects }, pageSize: () => 3 });
    edits = new Edits(server, model);
    await model.start({ bucket: 'b', prefix: 'a/' });
    listObjects.mockClear();
  });

  it('deletes files exactly and folders as prefixes', async () => {
    server.deleteObjects.mockResolvedValueOnce({
      reply: { deleted: [], errors: [{ Key: 'a/x', Code: 'AccessDenied', Message: 'no' }] }
    });
    const { errors } = await edits.remove(model.rows);
    expect(server.deleteObjects).toHaveBeenCalledWith('b', { keys: ['a/x'], prefixes: ['a/x/'] });
    expect(errors).toHaveLength(1);
  });

  it('splits a large deletion into several requests', async () => {
    const rows = [
      ...Array.from({ length: 10_001 }, (_, n) => ({
        ...model.rows[0],
        kind: 'file',
        key: `a/${n}`
      })),
      { ...model.rows[0], kind: 'folder', key: 'a/d/' }
    ] as typeof model.rows;
    server.deleteObjects.mockImplementation(async (_bucket, { keys, prefixes }) =>
      prefixes?.length
        ? { transfer: transfer({ id: 'folders' }) }
        : {
            reply: { deleted: [], errors: [{ Key: keys![0], Code: 'AccessDenied', Message: 'no' }] }
          }
    );
    const removed = await edits.remove(rows);
    const requests = server.deleteObjects.mock.calls.map(([, which]) => which);
    expect(requests.map(({ keys, prefixes }) => [keys?.length, prefixes?.length])).toEqual([
      [10_000, 0],
      [1, 0],
      [0, 1]
    ]);
    expect(requests.flatMap(({ keys, prefixes }) => [...keys!, ...prefixes!])).toEqual(
      rows.map(({ key }) => key)
    );
    expect(removed.errors.map(({ Key }) => Key)).toEqual(['a/0', 'a/10000']);
    expect(removed.transfer?.id).toBe('folders');
    expect(listObjects).toHaveBeenCalled();
  });

  it('removes deleted rows when a later request fails', async () => {
    const rows = Array.from({ length: 10_001 }, (_, n) => ({
      ...model.rows[0],
      kind: 'file',
      key: `a/${n}`
    })) as typeof model.rows;
    server.deleteObjects
      .mockResolvedValueOnce({ reply: { deleted: [], errors: [] } })
      .mockRejectedValueOnce(new Error('disconnected'));
    await expect(edits.remove(rows)).rejects.toThrow('disconnected');
    expect(listObjects).toHaveBeenCalled();
  });

  it('creates a folder in the open one, and shows it', async () => {
    listObjects.mockResolvedValueOnce(page([], ['a/new/']));
    await edits.createFolder('new/');
    expect(server.createFolder).toHaveBeenCalledWith('b', 'a/new/');
    expect(model.selection.active).toBe('a/new/');
  });

  it('does not reload another folder that was opened in the meantime', async () => {
    server.createFolder.mockImplementationOnce(async () => model.open('other'));
    await edits.createFolder('new');
    expect(listObjects).toHaveBeenCalledTimes(1);
    expect([model.bucket, model.selection.active]).toEqual(['other', null]);
  });

  it('opens a new bucket', async () => {
    await edits.createBucket('fresh');
    expect(server.createBucket).toHaveBeenCalledWith('fresh');
    expect([model.bucket, model.prefix]).toEqual(['fresh', '']);
  });
});
