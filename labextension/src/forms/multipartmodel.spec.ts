import { describe, expect, it, vi } from 'vitest';

import type { MultipartUpload } from '../tokens';
import { MultipartModel } from './multipartmodel';

const upload = (UploadId: string, inUse = false): MultipartUpload => ({
  Key: `key of ${UploadId}`,
  UploadId,
  Initiated: '2026-01-01T00:00:00Z',
  inUse
});

describe('MultipartModel', () => {
  const list = (uploads: MultipartUpload[], next: string | null = null) => ({
    uploads,
    nextContinuationToken: next,
    isTruncated: next !== null
  });

  it('removes checked uploads, but none in use, and reloads', async () => {
    const server = {
      listMultiparts: vi
        .fn<MultipartModel.IServer['listMultiparts']>()
        .mockResolvedValueOnce(list([upload('1'), upload('2', true)], 'more'))
        .mockResolvedValueOnce(list([upload('3')]))
        .mockResolvedValueOnce(list([upload('2', true), upload('3')])),
      abortMultiparts: vi.fn<MultipartModel.IServer['abortMultiparts']>().mockResolvedValue({
        deleted: ['key of 1'],
        errors: [{ Key: 'key of 3', Code: 'AccessDenied', Message: 'No.' }]
      })
    };
    const model = new MultipartModel({ server, bucket: 'b' });
    await vi.waitFor(() => expect(model.loaded && model.busy === null).toBe(true));
    await model.loadMore();
    expect(server.listMultiparts.mock.lastCall![1].continuationToken).toBe('more');
    model.tick(model.uploads, true);
    expect([...model.ticked]).toEqual(['1', '3']);
    await model.remove();
    expect(server.abortMultiparts).toHaveBeenCalledWith('b', {
      uploads: [
        { Key: 'key of 1', UploadId: '1' },
        { Key: 'key of 3', UploadId: '3' }
      ]
    });
    expect(model.removed).toBe(1);
    expect(model.failures.map(({ Key }) => Key)).toEqual(['key of 3']);
    expect(model.uploads.map(({ UploadId }) => UploadId)).toEqual(['2', '3']);
    expect(model.ticked.size).toBe(0);
  });
});
