import { describe, expect, it, vi } from 'vitest';

import { Deferred, upload } from '../testing/fakes';
import type { UploadList } from '../tokens';
import { fileMismatch, UnfinishedModel } from './unfinished';

describe('UnfinishedModel', () => {
  it('shows uploads that no page is sending', async () => {
    const own = new Set(['mine']);
    const uploads = ['mine', 'theirs', 'left'].map(uploadId => upload({ uploadId }));
    const model = new UnfinishedModel({
      server: { listUploads: async () => ({ uploads }), abortUpload: vi.fn() },
      connections: () => [''],
      isOwn: id => own.has(id),
      locked: async () => new Set(['mine', 'theirs'])
    });
    await model.refresh();
    expect(model.uploads.map(({ uploadId }) => uploadId)).toEqual(['left']);
    own.add('left');
    expect(model.uploads).toEqual([]);
  });

  it('uses the latest reply, and keeps the list on errors', async () => {
    const answers: Deferred<UploadList>[] = [];
    const model = new UnfinishedModel({
      server: {
        listUploads: () => {
          answers.push(new Deferred());
          return answers.at(-1)!.promise;
        },
        abortUpload: vi.fn()
      },
      connections: () => [''],
      isOwn: () => false,
      locked: async () => new Set()
    });
    const both = [model.refresh(), model.refresh()];
    answers[1].resolve({ uploads: [upload({ uploadId: 'new' })] });
    answers[0].resolve({ uploads: [upload({ uploadId: 'old' })] });
    await Promise.all(both);
    const third = model.refresh();
    answers[2].reject(new Error('away'));
    await third;
    expect(model.uploads.map(({ uploadId }) => uploadId)).toEqual(['new']);
  });

  it('shows the uploads to all connections, newest first, and keeps those it cannot read', async () => {
    const replies: Record<string, UploadList['uploads']> = {
      '': [upload({ uploadId: 'old', createdAt: '2026-01-01T00:00:00Z' })],
      archive: [
        upload({ uploadId: 'new', bucket: 'archive@data', createdAt: '2026-01-02T00:00:00Z' })
      ]
    };
    const listUploads = vi.fn(async (_?: AbortSignal, connection = '') => ({
      uploads: replies[connection]
    }));
    const model = new UnfinishedModel({
      server: { listUploads, abortUpload: vi.fn() },
      connections: () => ['', 'archive'],
      isOwn: () => false,
      locked: async () => new Set()
    });
    await model.refresh();
    expect(model.uploads.map(({ uploadId }) => uploadId)).toEqual(['new', 'old']);
    replies[''] = [];
    listUploads.mockImplementation(async (_, connection = '') => {
      if (connection === 'archive') {
        throw new Error('down');
      }
      return { uploads: replies[connection] };
    });
    await model.refresh();
    expect(model.uploads.map(({ bucket }) => bucket)).toEqual(['archive@data']);
  });

  it('discards an upload', async () => {
    let uploads = [upload()];
    const model = new UnfinishedModel({
      server: {
        listUploads: async () => ({ uploads }),
        abortUpload: async () => {
          uploads = [];
        }
      },
      connections: () => [''],
      isOwn: () => false,
      locked: async () => new Set()
    });
    await model.refresh();
    await model.discard('u1');
    expect(model.uploads).toEqual([]);
  });
});

describe('fileMismatch', () => {
  const file = (name: string, size: number, lastModified = 5) =>
    new File(['x'.repeat(size)], name, { lastModified });
  const serverUpload = upload({ key: 'a/model.bin', size: 3, lastModified: 5 });

  it('recognizes the file', () => {
    expect(fileMismatch(serverUpload, file('model.bin', 3))).toBeNull();
    const kept = upload({ key: 'a/model (2).tar.gz', size: 3, lastModified: 5 });
    expect(fileMismatch(kept, file('model (2).tar.gz', 3))).toBeNull();
    const both = upload({ key: 'a/model (1).bin', size: 3, lastModified: 5 });
    expect(fileMismatch(both, file('model.bin', 3))).toBeNull();
  });

  it('detects another file by name, size or date', () => {
    expect(fileMismatch(serverUpload, file('other.bin', 3))).toBe('name');
    expect(fileMismatch(serverUpload, file('model.bin', 4))).toBe('size');
    expect(fileMismatch(serverUpload, file('model.bin', 3, 6))).toBe('changed');
  });
});
