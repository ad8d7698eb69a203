import { ServerConnection, type Contents } from '@jupyterlab/services';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeObjects } from '../testing/fakeobjects';
import { trans } from '../testing/fakes';
import { S3Drive } from './drive';

describe('S3Drive', () => {
  let store: FakeObjects;
  let drive: S3Drive;
  const transfer = vi.fn();
  const showPreview = vi.fn();
  const onTruncated = vi.fn();

  beforeEach(() => {
    vi.clearAllMocks();
    store = new FakeObjects();
    drive = new S3Drive({
      server: store,
      serverSettings: ServerConnection.makeSettings(),
      transfer,
      sizeLimit: () => 1000,
      showPreview,
      onTruncated,
      trans
    });
  });

  const status = async (work: Promise<unknown>) => {
    try {
      await work;
    } catch (reason) {
      return (reason as ServerConnection.ResponseError).response.status;
    }
    return null;
  };
  const text = { type: 'file' as const, format: 'text' as const };

  it('returns text with the ETag as hash, and saves it with its content type', async () => {
    store.put('a/é.csv', 'x;y', 'text/csv; charset=utf-8');
    const model = await drive.get('b/a/é.csv', { ...text, content: true });
    expect(model).toMatchObject({
      name: 'é.csv',
      path: 'b/a/é.csv',
      content: 'x;y',
      hash: '"1"',
      size: 3
    });
    const saved = await drive.save('b/a/é.csv', { ...text, content: 'x;z' });
    expect(saved.hash).toBe('"2"');
    expect(store.objects.get('a/é.csv')).toEqual({
      text: 'x;z',
      etag: '"2"',
      contentType: 'text/csv; charset=utf-8'
    });
  });

  it('needs one HEAD to get the state, and none right after a save', async () => {
    store.put('k', 'x');
    await drive.get('b/k', { content: false });
    expect(store.requests).toEqual(['HEAD k']);
    await drive.save('b/k', { ...text, content: 'y' });
    store.requests.length = 0;
    expect((await drive.get('b/k', { content: false })).hash).toBe('"2"');
    expect(store.requests).toEqual([]);
    await drive.get('b/k', { content: false });
    expect(store.requests).toEqual(['HEAD k']);
  });

  it('replaces no version that Lab does not know', async () => {
    store.put('k', 'mine');
    await drive.get('b/k', { ...text });
    store.put('k', 'theirs');
    expect(await status(drive.save('b/k', { ...text, content: 'later' }))).toBe(412);
    expect(store.objects.get('k')!.text).toBe('theirs');
    // Lab reads the state again, asks the user, and saves again.
    expect((await drive.get('b/k', { content: false })).hash).toBe('"2"');
    await drive.save('b/k', { ...text, content: 'later' });
    expect(store.objects.get('k')!.text).toBe('later');
  });

  it('does not mistake another user’s save for its own', async () => {
    store.put('k', 'old');
    await drive.get('b/k', { ...text });
    await drive.save('b/k', { ...text, content: 'mine' });
    store.put('k', 'theirs');
    // The request of Lab right after its save.
    expect((await drive.get('b/k', { content: false })).hash).toBe('"2"');
    expect(await status(drive.save('b/k', { ...text, content: 'later' }))).toBe(412);
    expect((await drive.get('b/k', { content: false })).hash).toBe('"3"');
  });

  it('creates objects only at free paths', async () => {
    store.put('there', 'x');
    expect(await status(drive.save('b/there', { ...text, content: 'y' }))).toBe(412);
    expect(store.objects.get('there')!.text).toBe('x');
    expect(await status(drive.get('b/new', { content: false }))).toBe(404);
    await drive.save('b/new', { ...text, content: 'y' });
    expect(store.objects.get('new')!.text).toBe('y');
  });

  it('refuses objects too large for an editor, and shows their preview', async () => {
    store.put('big', 'x'.repeat(1001));
    expect(await status(drive.get('b/big', { ...text }))).toBe(413);
    expect(showPreview).toHaveBeenCalledWith({ bucket: 'b', key: 'big' });
  });

  it('explains why an editor would damage an object, and shows its preview', async () => {
    const refused = async (path: string, options: Contents.IFetchOptions) =>
      String(await drive.get(path, options).catch((reason: Error) => reason.message));
    const { readObject } = store;
    const bytes = new Uint8Array([0x1f, 0x8b, 8, 0, 0xff]);
    store.readObject = async (...args) => ({ ...(await readObject(...args)), bytes });
    store.put('d/a.csv.gz', '');
    expect(await refused('b/d/a.csv.gz', text)).toContain('compressed with gzip');
    expect(showPreview).toHaveBeenCalledWith({ bucket: 'b', key: 'd/a.csv.gz' });
    bytes[0] = 0xc4;
    expect(await refused('b/d/a.csv.gz', text)).toContain('not UTF-8');
    expect(showPreview).toHaveBeenCalledTimes(2);
  });

  it('explains what is not a notebook or not JSON', async () => {
    const refused = async (path: string, options: Contents.IFetchOptions) =>
      String(await drive.get(path, options).catch((reason: Error) => reason.message));
    store.put('a.ipynb', '');
    expect(await refused('b/a.ipynb', { type: 'notebook' })).toContain('is empty');
    store.put('a.ipynb', '{"cells": [], "metadata": {"a\\"NaN": [1, NaN]}, "nbformat": 4}');
    expect(await refused('b/a.ipynb', { type: 'notebook' })).toContain('the number NaN');
    store.put('a.json', '{"loss": -Infinity}');
    const json = { type: 'file' as const, format: 'json' as const };
    expect(await refused('b/a.json', json)).toContain('the number -Infinity');
    store.put('a.json', '{"text": "NaN",\n oops}');
    expect(await refused('b/a.json', json)).toMatch(
      /^The file is not valid JSON(: see line 2)?\.$/
    );
    store.put('a.json', '');
    expect(await refused('b/a.json', json)).toContain('is empty');
    expect(showPreview).not.toHaveBeenCalled();
  });

  it('lists buckets and folders without keys that have no path', async () => {
    ['d/a.ipynb', 'd/sub/x', 'd//y', 'd/', 'd/..'].forEach(key => store.put(key, '{}'));
    expect((await drive.get('')).content).toMatchObject([{ name: 'b', type: 'directory' }]);
    const { content, type } = await drive.get('b/d');
    expect(type).toBe('directory');
    expect(content).toMatchObject([
      { name: 'sub', path: 'b/d/sub', type: 'directory' },
      { name: 'a.ipynb', path: 'b/d/a.ipynb', type: 'notebook' }
    ]);
    expect(await status(drive.get('b/none'))).toBe(404);
    expect(await status(drive.get('b/d', { type: 'file' }))).toBe(404);
  });

  it('reports that a folder has more entries than listed', async () => {
    for (let index = 0; index < 5001; index++) {
      store.put(`d/${index}`, '');
    }
    expect((await drive.get('b/d')).content).toHaveLength(5000);
    expect(onTruncated).toHaveBeenCalledWith('b/d', 5000);
  });

  it('finds free names for new files', async () => {
    store.put('d/untitled.txt', '');
    store.put('d/Untitled.ipynb', '');
    expect((await drive.newUntitled({ path: 'b/d', type: 'file' })).path).toBe('b/d/untitled1.txt');
    const { path } = await drive.newUntitled({ path: 'b/d', type: 'notebook' });
    expect(path).toBe('b/d/Untitled1.ipynb');
    expect(JSON.parse(store.objects.get('d/Untitled1.ipynb')!.text).nbformat).toBe(4);
    const folder = await drive.newUntitled({ path: 'b/d', type: 'directory' });
    expect(folder).toMatchObject({ path: 'b/d/Untitled Folder', type: 'directory' });
  });

  it('moves and copies in the store, and never over existing objects', async () => {
    store.put('a.txt', 'x');
    store.put('c.txt', 'x');
    expect(await status(drive.rename('b/a.txt', 'b/c.txt'))).toBe(409);
    expect(transfer).not.toHaveBeenCalled();
    transfer.mockImplementation(async () => void store.put('n.txt', 'x'));
    expect((await drive.rename('b/a.txt', 'b/n.txt')).path).toBe('b/n.txt');
    expect(transfer).toHaveBeenCalledWith({
      action: 'move',
      source: 's3://b/a.txt',
      target: 's3://b/n.txt',
      onConflict: 'fail'
    });
    transfer.mockImplementation(async () => void store.put('c-Copy1.txt', 'x'));
    expect((await drive.copy('b/c.txt', 'b')).path).toBe('b/c-Copy1.txt');
  });

  it('deletes one object, but no folder that is not empty', async () => {
    ['a', 'd/x', 'e/'].forEach(key => store.put(key, ''));
    await drive.delete('b/a');
    expect(await status(drive.delete('b/d'))).toBe(400);
    await drive.delete('b/e');
    expect([...store.objects.keys()]).toEqual(['d/x']);
  });

  it('has no checkpoints, and says so', async () => {
    await drive.createCheckpoint();
    expect(await drive.listCheckpoints()).toEqual([]);
    expect(await status(drive.restoreCheckpoint())).toBe(404);
  });
});
