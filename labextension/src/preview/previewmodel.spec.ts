import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import { Deferred } from '../testing/fakes';
import { textPreview } from '../testing/previews';
import type { IObjectHead, Preview } from '../tokens';
import { PreviewModel } from './previewmodel';

describe('PreviewModel', () => {
  const server = {
    getPreview: vi.fn<(bucket: string, key: string, signal?: AbortSignal) => Promise<Preview>>(),
    headObject: vi.fn<() => Promise<IObjectHead | null>>()
  };
  const make = () => new PreviewModel(server, { bucket: 'b', key: 'k' });
  const head = (etag: string): IObjectHead => ({
    size: 1,
    etag,
    contentType: '',
    modified: null
  });

  it('shows the last requested preview, and at most one error', async () => {
    const model = make();
    const first = new Deferred<Preview>();
    server.getPreview.mockReturnValueOnce(first.promise);
    const loading = model.load();
    expect(model.loading).toBe(true);
    server.getPreview.mockResolvedValueOnce(textPreview({ text: 'second' }));
    await model.load();
    first.resolve(textPreview({ text: 'first' }));
    await loading;
    expect(model.preview).toMatchObject({ text: 'second' });

    server.getPreview.mockRejectedValueOnce(new ApiError('AccessDenied', 'No.', 403));
    await model.load();
    expect([model.preview, model.error?.status]).toEqual([null, 403]);
    server.getPreview.mockResolvedValueOnce(textPreview());
    await model.load();
    expect(model.error).toBeNull();
  });

  it('notices that the object has changed or was deleted', async () => {
    const model = make();
    server.getPreview.mockResolvedValue(textPreview({ ETag: 'one' }));
    await model.load();
    const storedState = async (answer: Promise<IObjectHead | null>) => {
      server.headObject.mockReturnValueOnce(answer);
      await model.check();
      return model.storedState;
    };
    expect(await storedState(Promise.resolve(head('"one"')))).toBe('same');
    expect(await storedState(Promise.resolve(head('"two"')))).toBe('changed');
    expect(await storedState(Promise.reject(ApiError.unreachable()))).toBe('changed');
    expect(await storedState(Promise.resolve(null))).toBe('deleted');
    await model.load();
    expect(model.storedState).toBe('same');
  });

  it('sends no requests after it is disposed', async () => {
    const model = make();
    let signal: AbortSignal | undefined;
    server.getPreview.mockImplementationOnce((_bucket, _key, given) => {
      signal = given;
      return new Promise(() => undefined);
    });
    void model.load();
    model.dispose();
    expect(signal?.aborted).toBe(true);
  });
});
