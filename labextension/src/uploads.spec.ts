import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { UploadBatch } from './batch';
import { ApiError } from './request';
import { Deferred } from './testing/fakes';
import { UploadsModel } from './uploads';

interface IPut {
  key: string;
  options: Parameters<UploadsModel.IOptions['put']>[3];
  answer: Deferred<boolean>;
}

const file = (name: string, size = 10) => ({ name, file: new File(['x'.repeat(size)], name) });
const conflict = () => new ApiError('Conflict', 'is there', 409);
/** Lets everything that is already decided happen. */
const settle = () => new Promise(resolve => setTimeout(resolve));
const states = (batch: UploadBatch) => batch.items.map(({ state }) => state);

describe('UploadsModel', () => {
  let puts: IPut[];
  let limit: number;
  let ask: ReturnType<typeof vi.fn<UploadsModel.IOptions['ask']>>;
  let onSettled: ReturnType<typeof vi.fn<(batch: UploadBatch) => void>>;
  let uploads: UploadsModel;

  beforeEach(() => {
    puts = [];
    limit = 2;
    ask = vi.fn<UploadsModel.IOptions['ask']>();
    onSettled = vi.fn<(batch: UploadBatch) => void>();
    uploads = new UploadsModel({
      put: (_bucket, key, _file, options) => {
        const answer = new Deferred<boolean>();
        options.signal.addEventListener('abort', () =>
          answer.reject(new DOMException('', 'AbortError'))
        );
        puts.push({ key, options, answer });
        return answer.promise;
      },
      ask,
      limit: () => limit,
      onSettled
    });
  });

  it('sends no more files at once than allowed, over all batches', async () => {
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

  it('asks once and does the same for all, without replacing anything unasked', async () => {
    limit = 3;
    const question = new Deferred<UploadsModel.IAnswer>();
    ask.mockReturnValue(question.promise);
    const batch = uploads.add('b', '', [file('1'), file('2'), file('3'), file('4')])!;
    expect(puts.map(({ options }) => options.onConflict)).toEqual(['fail', 'fail', 'fail']);
    puts[0].answer.reject(conflict());
    puts[1].answer.reject(conflict());
    await settle();
    expect(ask).toHaveBeenCalledTimes(1);
    // The slots of those that wait are free for others.
    expect(puts.map(({ key }) => key)).toEqual(['1', '2', '3', '4']);
    question.resolve({ choice: 'rename', all: true });
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

  it('asks for each file when told so, and leaves a skipped one alone', async () => {
    limit = 3;
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

  it('cancels what runs and what waits, and an answer that comes later changes nothing', async () => {
    const question = new Deferred<UploadsModel.IAnswer>();
    ask.mockReturnValue(question.promise);
    const batch = uploads.add('b', '', [file('1'), file('2'), file('3'), file('4')])!;
    puts[0].answer.reject(conflict());
    await settle();
    uploads.cancel(batch.id);
    expect(puts.every(({ options }) => options.signal.aborted)).toBe(true);
    question.resolve({ choice: 'overwrite', all: true });
    await settle();
    expect(puts).toHaveLength(3);
    expect(new Set(states(batch))).toEqual(new Set(['cancelled']));
    expect([uploads.active, onSettled.mock.calls.length]).toEqual([false, 1]);
  });

  it('goes on with other batches after one was cancelled', async () => {
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

  it('sums bytes, takes back what a failed file had sent, and finishes empty files', async () => {
    const batch = uploads.add('b', '', [file('1'), file('2'), file('empty', 0)])!;
    puts[0].options.onProgress(4);
    puts[1].options.onProgress(10);
    expect([batch.bytesDone, batch.bytesTotal]).toEqual([14, 20]);
    puts[1].answer.reject(new ApiError('NetworkError', 'gone', 0));
    puts[0].answer.resolve(true);
    await settle();
    expect(batch.bytesDone).toBe(10);
    puts[2].answer.resolve(true);
    await settle();
    expect(states(batch)).toEqual(['done', 'failed', 'done']);
  });

  it('clears only what has ended', async () => {
    const batch = uploads.add('b', '', [file('1')])!;
    uploads.clear(batch.id);
    expect(uploads.batches).toHaveLength(1);
    puts[0].answer.resolve(true);
    await settle();
    uploads.clear(batch.id);
    expect(uploads.batches).toHaveLength(0);
  });
});
