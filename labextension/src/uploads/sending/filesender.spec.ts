import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import {
  conflict,
  FakeUploadServer,
  fileOf,
  noSuchUpload,
  MIB,
  PART,
  settle
} from '../../testing/fakeuploadserver';
import type { IFileJob, IServerUpload } from './filejob';
import { FileSender } from './filesender';

describe('FileSender', () => {
  let server: FakeUploadServer;
  let sender: FileSender;
  let cancel: AbortController;
  let pause: AbortController;
  let serverUpload: IServerUpload | null;
  let progress: number[];
  let troubles: string[];
  let held: Set<string>;

  beforeEach(() => {
    server = new FakeUploadServer();
    cancel = new AbortController();
    pause = new AbortController();
    serverUpload = null;
    progress = [];
    troubles = [];
    held = new Set();
    sender = new FileSender({
      server,
      backoff: { sleep: async () => undefined, whenOnline: async () => false },
      maxRequests: 4,
      lock: id => {
        held.add(id);
        return () => held.delete(id);
      }
    });
  });

  const job = (file: File, fields: Partial<IFileJob> = {}): IFileJob => {
    cancel.signal.addEventListener('abort', () => pause.abort());
    return {
      bucket: 'bucket',
      key: 'model.bin',
      file,
      onConflict: 'fail',
      serverUpload,
      onUploadStarted: now => {
        serverUpload = now;
      },
      signal: cancel.signal,
      stop: pause.signal,
      onProgress: sent => progress.push(sent),
      onRetry: ({ code }) => troubles.push(code),
      ...fields
    };
  };
  const numbers = () => server.puts.map(({ number }) => number);

  it('sends a small file in one request, and again without a reply', async () => {
    const put = vi.spyOn(server, 'putObject').mockRejectedValueOnce(ApiError.unreachable());
    expect(await sender.send(job(fileOf(PART)))).toBe(true);
    expect([put.mock.calls.length, troubles]).toEqual([2, ['NetworkError']]);
  });

  it('sends a larger file in parts, three in parallel, and completes it', async () => {
    expect(await sender.send(job(fileOf(5 * PART + 1)))).toBe(true);
    expect(numbers()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(server.puts.map(({ size }) => size)).toEqual([PART, PART, PART, PART, PART, 1]);
    expect(server.mostAtOnce).toBe(3);
    expect(server.objects.get('model.bin')?.size).toBe(5 * PART + 1);
    expect(server.requests).toEqual(['begin model.bin fail', 'complete u1']);
    expect(held.size).toBe(0);
  });

  it('sends at most four requests in parallel over all files', async () => {
    await Promise.all(['a', 'b', 'c'].map(key => sender.send(job(fileOf(4 * PART), { key }))));
    expect([server.mostAtOnce, server.objects.size]).toEqual([4, 3]);
  });

  it('shows progress that never exceeds the file and only moves back when a part is sent again', async () => {
    server.instant = false;
    const size = 2 * PART + 100;
    const sending = sender.send(job(fileOf(size)));
    await settle();
    const [first, second, third] = server.puts;
    expect(held).toEqual(new Set(['u1']));
    first.options.onProgress!(PART);
    // A body on the wire may be larger than the part.
    third.options.onProgress!(2000);
    second.options.onProgress!(5 * MIB);
    expect(progress.at(-1)).toBe(PART + 100 + 5 * MIB);
    first.answer.resolve();
    third.answer.resolve();
    await settle();
    expect(progress.at(-1)).toBe(PART + 100 + 5 * MIB);
    second.answer.reject(ApiError.unreachable());
    await vi.waitFor(() => expect(server.puts.length).toBe(4));
    expect(progress.at(-1)).toBe(PART + 100);
    server.puts[3].answer.resolve();
    await sending;
    expect(numbers()).toEqual([1, 2, 3, 2]);
    expect(progress.at(-1)).toBe(size);
    expect(Math.max(...progress)).toBe(size);
    const back = progress.filter((sent, index) => sent < (progress[index - 1] ?? 0));
    expect(back).toEqual([PART + 100]);
  });

  it('sends only missing parts when the server has an upload of the file', async () => {
    const file = fileOf(4 * PART);
    const known = await server.createUpload({
      bucket: 'bucket',
      key: 'model.bin',
      size: file.size,
      lastModified: 1234,
      onConflict: 'fail',
      verify: 'source'
    });
    known.parts.push({ number: 1, size: PART }, { number: 3, size: PART });
    await sender.send(job(file));
    expect(numbers()).toEqual([2, 4]);
    // Uploaded parts count immediately.
    expect(progress[0]).toBe(2 * PART);
  });

  it('pauses: running requests finish, the rest is sent later', async () => {
    server.instant = false;
    const file = fileOf(5 * PART);
    const paused = sender.send(job(file));
    await settle();
    pause.abort();
    server.puts.forEach(({ answer }) => answer.resolve());
    await expect(paused).rejects.toThrow('cancelled');
    expect([numbers(), serverUpload?.id, progress.at(-1)]).toEqual([[1, 2, 3], 'u1', 3 * PART]);
    expect(server.requests).not.toContain('drop u1');

    pause = new AbortController();
    server.instant = true;
    expect(await sender.send(job(file))).toBe(true);
    expect(numbers()).toEqual([1, 2, 3, 4, 5]);
    expect(server.requests).toEqual(['begin model.bin fail', 'get u1', 'complete u1']);
  });

  it('cancels: stops sending and discards the uploaded parts', async () => {
    server.instant = false;
    const cancelled = sender.send(job(fileOf(5 * PART)));
    await settle();
    server.puts[0].answer.resolve();
    await settle();
    cancel.abort();
    await expect(cancelled).rejects.toThrow();
    await settle();
    expect(numbers()).toEqual([1, 2, 3, 4]);
    expect([server.uploads.size, server.requests.at(-1), held.size]).toEqual([0, 'drop u1', 0]);
  });

  it('discards an upload that was started while it was cancelled', async () => {
    const sending = sender.send(job(fileOf(2 * PART)));
    cancel.abort();
    await expect(sending).rejects.toThrow('cancelled');
    await settle();
    expect([numbers(), server.uploads.size]).toEqual([[], 0]);
  });

  it('aborts the other parts when one fails permanently, and keeps uploaded ones', async () => {
    server.instant = false;
    const sending = sender.send(job(fileOf(4 * PART)));
    await settle();
    server.puts[0].answer.resolve();
    server.puts[1].answer.reject(new ApiError('AccessDenied', 'You may not.', 403));
    await expect(sending).rejects.toThrow('You may not.');
    expect(server.puts[2].options.signal?.aborted).toBe(true);
    expect(server.uploads.get('u1')?.parts).toHaveLength(1);
  });

  it('starts again when the upload no longer exists, but only once', async () => {
    const put = vi.spyOn(server, 'putPart').mockRejectedValueOnce(noSuchUpload());
    expect(await sender.send(job(fileOf(2 * PART)))).toBe(true);
    put.mockRejectedValue(noSuchUpload());
    await expect(sender.send(job(fileOf(3 * PART), { key: 'other' }))).rejects.toThrow('aborted');
  });

  it('recognizes its object when the reply to complete was lost', async () => {
    const complete = server.completeUpload.bind(server);
    vi.spyOn(server, 'completeUpload').mockImplementationOnce(async id => {
      await complete(id);
      throw ApiError.unreachable();
    });
    expect(await sender.send(job(fileOf(2 * PART)))).toBe(true);
    expect(server.requests.slice(-2)).toEqual(['complete u1', 'head model.bin']);
    expect(numbers()).toEqual([1, 2]);
  });

  it('does not mistake another object for its own', async () => {
    const complete = server.completeUpload.bind(server);
    vi.spyOn(server, 'completeUpload').mockImplementationOnce(async id => {
      await complete(id);
      throw new ApiError('ChecksumMismatch', 'not what was sent', 502);
    });
    server.objects.set('model.bin', { size: 2 * PART, etag: '"0-2"' });
    expect(await sender.send(job(fileOf(2 * PART), { onConflict: 'overwrite' }))).toBe(true);
    expect(server.requests).not.toContain('head model.bin');
    expect(numbers()).toEqual([1, 2, 1, 2]);
  });

  it('sends again the parts that the store has lost', async () => {
    const complete = server.completeUpload.bind(server);
    vi.spyOn(server, 'completeUpload').mockImplementationOnce(async id => {
      server.uploads.get(id)!.parts.splice(0, 1);
      await complete(id);
    });
    expect(await sender.send(job(fileOf(2 * PART)))).toBe(true);
    expect(numbers()).toEqual([1, 2, 1]);
  });

  it('reports a conflict, and replaces without sending parts twice', async () => {
    vi.spyOn(server, 'completeUpload').mockRejectedValueOnce(conflict());
    const file = fileOf(2 * PART);
    await expect(sender.send(job(file))).rejects.toThrow('is there');
    expect(server.uploads.size).toBe(1);
    expect(await sender.send(job(file, { onConflict: 'overwrite' }))).toBe(true);
    expect(numbers()).toEqual([1, 2]);
  });

  it('discards the first upload when both objects are kept', async () => {
    vi.spyOn(server, 'completeUpload').mockRejectedValueOnce(conflict());
    const file = fileOf(2 * PART);
    await expect(sender.send(job(file))).rejects.toThrow('is there');
    expect(await sender.send(job(file, { onConflict: 'rename' }))).toBe(true);
    expect([server.requests.includes('drop u1'), server.uploads.size]).toEqual([true, 0]);
    expect([...server.objects.keys()]).toEqual(['model.bin (1)']);
  });

  it('skips an existing object on request', async () => {
    server.objects.set('model.bin', { size: 1, etag: '"1"' });
    expect(await sender.send(job(fileOf(2 * PART), { onConflict: 'skip' }))).toBe(false);
    expect(numbers()).toEqual([]);
  });

  it('sends smaller requests when a proxy refuses large ones', async () => {
    server.proxyLimit = 3 * MIB;
    expect(await sender.send(job(fileOf(2 * PART)))).toBe(true);
    const pieces = (number: number) =>
      server.puts.filter(put => put.number === number).map(({ offset, size }) => [offset, size]);
    expect(pieces(1)).toEqual([0, 2, 4, 6].map(mib => [mib * MIB, 2 * MIB]));
    expect(pieces(2)).toEqual(pieces(1));
    expect(server.objects.get('model.bin')?.size).toBe(2 * PART);
    expect([progress.at(-1), troubles]).toEqual([2 * PART, []]);
    // The next files use small requests from the start.
    server.refused = 0;
    await sender.send(job(fileOf(2 * PART), { key: 'next' }));
    await sender.send(job(fileOf(3 * MIB), { key: 'smaller' }));
    expect([server.refused, server.objects.get('smaller')?.size]).toEqual([0, 3 * MIB]);
    expect(await sender.send(job(fileOf(MIB), { key: 'small' }))).toBe(true);
    expect(server.requests.at(-1)).toBe('put small');
  });

  it('sends a file in parts when a proxy refuses it in one request', async () => {
    server.proxyLimit = MIB;
    expect(await sender.send(job(fileOf(3 * MIB)))).toBe(true);
    expect(server.objects.get('model.bin')?.size).toBe(3 * MIB);
  });

  it('names the proxy when it refuses even small requests', async () => {
    server.proxyLimit = 1000;
    await expect(sender.send(job(fileOf(2 * PART)))).rejects.toThrow(/proxy.*client_max_body_size/);
    await expect(sender.send(job(fileOf(2000)))).rejects.toThrow(/proxy/);
  });

  it('restarts a part when the server has discarded its pieces', async () => {
    server.proxyLimit = 4 * MIB;
    const put = server.putPart.bind(server);
    const forgotten = new ApiError('MissingParts', 'Send it again from 0.', 409);
    let failures = 0;
    vi.spyOn(server, 'putPart').mockImplementation(async (id, number, body, options) => {
      if (options.offset && !failures++) {
        throw forgotten;
      }
      return put(id, number, body, options);
    });
    expect(await sender.send(job(fileOf(PART + 1)))).toBe(true);
    expect(failures).toBeGreaterThan(1);
    expect(server.objects.get('model.bin')?.size).toBe(PART + 1);
  });

  it('reports a changed or removed file, and does not retry', async () => {
    const file = fileOf(2 * PART);
    vi.spyOn(server, 'putPart').mockRejectedValue(ApiError.unreachable());
    vi.spyOn(FileReader.prototype, 'readAsArrayBuffer').mockImplementation(function (
      this: FileReader
    ) {
      queueMicrotask(() => this.onerror?.(new ProgressEvent('error') as ProgressEvent<FileReader>));
    });
    await expect(sender.send(job(file))).rejects.toThrow(/model\.bin can no longer be read/);
    expect(troubles).toEqual([]);
    vi.restoreAllMocks();
  });
});
