import { beforeEach, describe, expect, it, vi, type Mock } from 'vitest';

import { ApiError } from '../api/request';
import { Deferred, upload } from '../testing/fakes';
import { fileOf, PART } from '../testing/fakeuploadserver';
import type { UploadBatch } from './batch';
import type { IAnswer } from './conflicts';
import type { AdaptiveLimit } from './sending/adaptivelimit';
import type { IFileJob } from './sending/filejob';
import { UploadsModel } from './uploads';

interface IPut {
  key: string;
  options: IFileJob;
  answer: Deferred<boolean>;
}

const file = (name: string, size = 10) => ({ name, file: new File(['x'.repeat(size)], name) });
const conflict = () => new ApiError('Conflict', 'is there', 409);
/** Let all pending promises settle. */
const settle = () => new Promise(resolve => setTimeout(resolve));
const states = (batch: UploadBatch) => batch.items.map(({ state }) => state);

describe('UploadsModel', () => {
  let puts: IPut[];
  let dropped: string[];
  let limit: number;
  let smallFiles: { value: number; finished: Mock<AdaptiveLimit['finished']>; failed: Mock };
  let ask: ReturnType<typeof vi.fn<UploadsModel.IOptions['ask']>>;
  let onSettled: ReturnType<typeof vi.fn<(batch: UploadBatch) => void>>;
  let uploads: UploadsModel;

  beforeEach(() => {
    puts = [];
    dropped = [];
    limit = 2;
    smallFiles = { value: 2, finished: vi.fn<AdaptiveLimit['finished']>(), failed: vi.fn() };
    ask = vi.fn<UploadsModel.IOptions['ask']>();
    onSettled = vi.fn<(batch: UploadBatch) => void>();
    uploads = new UploadsModel({
      send: job => {
        const answer = new Deferred<boolean>();
        job.stop.addEventListener('abort', () => answer.reject(new DOMException('', 'AbortError')));
        puts.push({ key: job.key, options: job, answer });
        return answer.promise;
      },
      discard: id => dropped.push(id),
      ask,
      limit: () => limit,
      smallFiles,
      onSettled
    });
  });

  it('limits the number of files sent in parallel, over all batches', async () => {
    uploads.add('b', 'p/', [file('1'), file('2'), file('3')]);
    uploads.add('b', '', [file('4')]);
    expect(puts.map(({ key }) => key)).toEqual(['p/1', 'p/2']);
    puts[0].answer.resolve(true);
    await settle();
    expect(puts.map(({ key }) => key)).toEqual(['p/1', 'p/2', 'p/3']);
    puts[1].answer.resolve(true);
    await settle();
    expect(puts.map(({ key }) => key)).toEqual(['p/1', 'p/2', 'p/3', '4']);
  });

  it('sends small files beside large ones, each up to a limit of its own', async () => {
    limit = 1;
    const large = (name: string) => ({ name, file: fileOf(PART + 1) });
    uploads.add('b', '', [large('l1'), large('l2'), file('1'), file('2'), file('3')]);
    expect(puts.map(({ key }) => key)).toEqual(['1', '2', 'l1']);
    smallFiles.value = 3;
    puts[2].answer.resolve(true);
    await settle();
    expect(puts.map(({ key }) => key)).toEqual(['1', '2', 'l1', '3', 'l2']);
    expect(smallFiles.finished).not.toHaveBeenCalled();
  });

  it('reports what small files say about the best number in parallel', async () => {
    uploads.add('b', '', [file('1'), file('2', 20)]);
    puts[0].options.onRetry(ApiError.unreachable());
    expect(smallFiles.failed).toHaveBeenCalledTimes(1);
    puts[1].answer.resolve(true);
    await settle();
    puts[0].answer.resolve(true);
    await settle();
    // The second one was sent alone.
    expect(smallFiles.finished.mock.calls).toEqual([
      [20, true],
      [10, false]
    ]);
  });

  it('continues with the first waiting file, also if it comes before finished ones', async () => {
    const batch = uploads.add(
      'b',
      '',
      ['1', '2', '3', '4', '5', '6'].map(name => file(name))
    )!;
    for (const index of [1, 2]) {
      puts[index].answer.resolve(true);
      await settle();
    }
    expect(puts.map(({ key }) => key)).toEqual(['1', '2', '3', '4']);
    puts[3].answer.reject(new ApiError('EntityTooLarge', 'too large', 413));
    await settle();
    uploads.pause(batch.id);
    await settle();
    uploads.retry(batch.id);
    expect(puts.slice(5).map(({ key }) => key)).toEqual(['1', '4']);
  });

  it('asks once for all files, and replaces nothing without consent', async () => {
    smallFiles.value = 3;
    const query = new Deferred<IAnswer>();
    ask.mockReturnValue(query.promise);
    const batch = uploads.add('b', '', [file('1'), file('2'), file('3'), file('4')])!;
    expect(puts.map(({ options }) => options.onConflict)).toEqual(['fail', 'fail', 'fail']);
    puts[0].answer.reject(conflict());
    puts[1].answer.reject(conflict());
    await settle();
    expect(ask).toHaveBeenCalledTimes(1);
    // Files that wait for an answer leave their slots to others.
    expect(puts.map(({ key }) => key)).toEqual(['1', '2', '3', '4']);
    query.resolve({ choice: 'rename', all: true });
    await settle();
    expect(puts.slice(4).map(({ key, options }) => [key, options.onConflict])).toEqual([
      ['1', 'rename']
    ]);
    puts.forEach(({ answer }) => answer.resolve(true));
    await settle();
    puts.forEach(({ answer }) => answer.resolve(true));
    await settle();
    expect(ask).toHaveBeenCalledTimes(1);
    expect(states(batch)).toEqual(['done', 'done', 'done', 'done']);
    expect(onSettled).toHaveBeenCalledTimes(1);
  });

  it('asks for each file if requested, and does not touch a skipped one', async () => {
    smallFiles.value = 3;
    ask.mockResolvedValueOnce({ choice: 'skip', all: false });
    ask.mockResolvedValueOnce({ choice: 'overwrite', all: false });
    const batch = uploads.add('b', '', [file('1'), file('2')])!;
    puts.forEach(({ answer }) => answer.reject(conflict()));
    await settle();
    expect(ask).toHaveBeenCalledTimes(2);
    expect(puts.slice(2).map(({ key, options }) => [key, options.onConflict])).toEqual([
      ['2', 'overwrite']
    ]);
    puts[2].answer.resolve(true);
    await settle();
    expect(states(batch)).toEqual(['skipped', 'done']);
  });

  it('cancels running and waiting files, and ignores a later answer', async () => {
    const query = new Deferred<IAnswer>();
    ask.mockReturnValue(query.promise);
    const batch = uploads.add('b', '', [file('1'), file('2'), file('3'), file('4')])!;
    puts[0].answer.reject(conflict());
    await settle();
    uploads.cancel(batch.id);
    expect(puts.every(({ options }) => options.signal.aborted)).toBe(true);
    query.resolve({ choice: 'overwrite', all: true });
    await settle();
    expect(puts).toHaveLength(3);
    expect(new Set(states(batch))).toEqual(new Set(['cancelled']));
    expect([uploads.active, onSettled.mock.calls.length]).toEqual([false, 1]);
  });

  it('continues with other batches after one was cancelled', async () => {
    const first = uploads.add('b', '', [file('1'), file('2')])!;
    const second = uploads.add('b', '', [file('3')])!;
    uploads.cancel(first.id);
    await settle();
    expect(states(second)).toEqual(['running']);
  });

  it('keeps the error of a failed file and sends only that again', async () => {
    const batch = uploads.add('b', '', [file('1'), file('2')])!;
    puts[0].answer.resolve(true);
    puts[1].answer.reject(new ApiError('EntityTooLarge', 'too large', 413));
    await settle();
    expect([states(batch), batch.error]).toEqual([['done', 'failed'], 'too large']);
    uploads.retry(batch.id);
    expect(puts.slice(2).map(({ key }) => key)).toEqual(['2']);
    puts[2].answer.resolve(true);
    await settle();
    expect([states(batch), batch.error, batch.bytesDone]).toEqual([['done', 'done'], null, 20]);
  });

  it('sums bytes, subtracts those of a failed file, and finishes empty files', async () => {
    const batch = uploads.add('b', '', [file('1'), file('2'), file('empty', 0)])!;
    puts[0].options.onProgress(4);
    puts[1].options.onProgress(10);
    expect([batch.bytesDone, batch.bytesTotal]).toEqual([14, 20]);
    puts[1].answer.reject(new ApiError('NetworkError', 'disconnected', 0));
    puts[0].answer.resolve(true);
    await settle();
    expect(batch.bytesDone).toBe(10);
    puts[2].answer.resolve(true);
    await settle();
    expect(states(batch)).toEqual(['done', 'failed', 'done']);
  });

  it('pauses running and waiting files, and continues with uploaded parts', async () => {
    const batch = uploads.add('b', '', [file('1'), file('2'), file('3')])!;
    puts[0].options.onUploadStarted({ id: 'u1', onConflict: 'fail' });
    puts[0].options.onProgress(4);
    uploads.pause(batch.id);
    await settle();
    expect(states(batch)).toEqual(['waiting', 'waiting', 'waiting']);
    expect([batch.paused, batch.active, batch.bytesDone, puts.length]).toEqual([true, true, 4, 2]);
    expect(puts[0].options.signal.aborted).toBe(false);

    uploads.add('b', '', [file('other')]);
    expect(puts.slice(2).map(({ key }) => key)).toEqual(['other']);

    uploads.resume(batch.id);
    expect(puts.slice(3).map(({ key }) => key)).toEqual(['1']);
    expect(puts[3].options.serverUpload).toEqual({ id: 'u1', onConflict: 'fail' });
    expect(puts[3].options.stop.aborted).toBe(false);
  });

  it('completes a file that finishes during a pause', async () => {
    const batch = uploads.add('b', '', [file('1')])!;
    const [{ answer }] = puts;
    answer.resolve(true);
    uploads.pause(batch.id);
    await settle();
    expect([states(batch), batch.active]).toEqual([['done'], false]);
  });

  it('discards the parts of files that are not being sent when cancelled or skipped', async () => {
    ask.mockResolvedValueOnce({ choice: 'skip', all: false });
    const batch = uploads.add('b', '', [file('1'), file('2'), file('3')])!;
    puts[0].options.onUploadStarted({ id: 'u1', onConflict: 'fail' });
    puts[0].answer.reject(conflict());
    await settle();
    expect([states(batch)[0], dropped]).toEqual(['skipped', ['u1']]);
    puts[1].options.onUploadStarted({ id: 'u2', onConflict: 'fail' });
    uploads.pause(batch.id);
    await settle();
    uploads.cancel(batch.id);
    expect([batch.active, dropped]).toEqual([false, ['u1', 'u2']]);
  });

  it('continues an interrupted upload, which then has its own row', () => {
    const interrupted = upload({ uploadId: 'u7', bucket: 'b', key: 'p/model.bin' });
    expect(uploads.has('u7')).toBe(false);
    uploads.resumeInterrupted(interrupted, file('model.bin').file);
    const [{ options }] = puts;
    expect([options.bucket, options.key]).toEqual(['b', 'p/model.bin']);
    expect(options.serverUpload).toEqual({ id: 'u7', onConflict: 'fail' });
    expect(uploads.has('u7')).toBe(true);
  });

  it('shows why it retries until bytes are sent', () => {
    const batch = uploads.add('b', '', [file('1')])!;
    puts[0].options.onProgress(6);
    puts[0].options.onProgress(2);
    puts[0].options.onRetry(ApiError.unreachable());
    expect([batch.retryReason, batch.bytesDone]).toEqual([
      'The Jupyter server is not responding.',
      2
    ]);
    puts[0].options.onProgress(3);
    expect(batch.retryReason).toBeNull();
  });

  it('clears only finished batches', async () => {
    const batch = uploads.add('b', '', [file('1')])!;
    uploads.clear(batch.id);
    expect(uploads.batches).toHaveLength(1);
    puts[0].answer.resolve(true);
    await settle();
    uploads.clear(batch.id);
    expect(uploads.batches).toHaveLength(0);
  });
});
