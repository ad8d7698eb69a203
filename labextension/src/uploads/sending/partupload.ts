import { ApiError } from '../../api/request';
import type { Upload } from '../../tokens';
import { isTooLarge } from './bodylimit';
import type { IFileJob, ISender } from './filejob';
import { assertReadable } from './readable';
import { aborted, isAbort, isTransient, withRetries } from './retry';

/** Parts of one file sent in parallel. */
const MAX_PARALLEL_PARTS = 3;
/** How often a part may be restarted because the server, short of memory, discarded its pieces. */
const MAX_PART_RESTARTS = 5;

/** The upload of one file in parts, each a request that is retried separately. */
export class PartUpload {
  constructor(
    private readonly _job: IFileJob,
    private readonly _sender: ISender
  ) {}

  /** Resolves when the object is stored. When stopped, it rejects with an AbortError, and uploaded parts are kept. */
  async run(): Promise<void> {
    try {
      await this._send();
    } catch (reason) {
      if (!isGone(reason)) {
        throw reason;
      }
      // Another user or process aborted the upload: start again, but only once.
      await this._send();
    }
  }

  private async _send(): Promise<void> {
    const upload = await this._openUpload();
    const release = this._sender.lock(upload.uploadId);
    try {
      await this._sendMissing(upload);
      await this._complete(upload);
    } finally {
      release();
    }
  }

  private async _openUpload(): Promise<Upload> {
    const { server } = this._sender;
    const { bucket, key, file, onConflict, serverUpload } = this._job;
    if (serverUpload?.onConflict === onConflict) {
      try {
        return await this._withRetries(() => server.getUpload(serverUpload.id));
      } catch (reason) {
        if (!isGone(reason)) {
          throw reason;
        }
      }
    }
    const upload = await this._withRetries(() =>
      server.createUpload({
        bucket,
        key,
        size: file.size,
        contentType: file.type || null,
        lastModified: file.lastModified,
        // Skipping is done here; the server only needs to report the conflict.
        onConflict: onConflict === 'skip' ? 'fail' : onConflict,
        verify: 'source'
      })
    );
    this._job.onUploadStarted({ id: upload.uploadId, onConflict });
    if (serverUpload && serverUpload.id !== upload.uploadId) {
      // With rename, the object now has another name, and parts cannot move to it.
      this._sender.discard(serverUpload.id);
    }
    return upload;
  }

  private async _sendMissing(upload: Upload): Promise<void> {
    const { signal, stop } = this._job;
    const present = new Set(upload.parts.map(({ number }) => number));
    this._confirmed = upload.parts.reduce((sum, { size }) => sum + size, 0);
    this._report();
    const all = Array.from({ length: upload.partCount }, (_, index) => index + 1);
    const missing = all.filter(number => !present.has(number)).values();
    // A part that fails permanently aborts the others; a pause lets running ones finish.
    const sending = linkedController(signal);
    const waiting = linkedController(stop, sending.signal);
    const worker = async () => {
      for (const number of missing) {
        await this._sendPart(upload, number, sending.signal, waiting.signal);
        if (waiting.signal.aborted) {
          return;
        }
      }
    };
    const workers = Array.from({ length: MAX_PARALLEL_PARTS }, () =>
      worker().catch(reason => {
        if (!isAbort(reason)) {
          sending.abort();
        }
        throw reason;
      })
    );
    const reasons = (await Promise.allSettled(workers))
      .filter(outcome => outcome.status === 'rejected')
      .map(({ reason }) => reason as unknown);
    if (reasons.length) {
      throw reasons.find(reason => !isAbort(reason)) ?? reasons[0];
    }
    if (stop.aborted) {
      throw aborted();
    }
  }

  private async _sendPart(
    upload: Upload,
    number: number,
    sending: AbortSignal,
    waiting: AbortSignal
  ): Promise<void> {
    const { slots } = this._sender;
    const { file } = this._job;
    const start = (number - 1) * upload.partSize;
    const body = file.slice(start, start + upload.partSize);
    const put = async () => {
      try {
        await this._sendPieces(upload.uploadId, number, body, sending);
        this._confirmed += body.size;
      } catch (reason) {
        if (isTransient(reason)) {
          await assertReadable(file, start);
        }
        throw reason;
      } finally {
        // It is either confirmed now, or sent again from its first byte.
        this._underWay.delete(number);
        this._report();
      }
    };
    await this._withRetries(() => slots.within(waiting, put), waiting);
  }

  /** Send a part in one request, or in several if a proxy refuses its size. */
  private async _sendPieces(
    id: string,
    number: number,
    part: Blob,
    signal: AbortSignal
  ): Promise<void> {
    const { server, limit } = this._sender;
    let offset = 0;
    let restarts = 0;
    const onProgress = (sent: number) => {
      this._underWay.set(number, Math.min(offset + sent, part.size));
      this._report();
    };
    while (offset < part.size) {
      const size = Math.min(limit.bytes, part.size - offset);
      try {
        await (size === part.size
          ? server.putPart(id, number, part, { signal, onProgress })
          : server.putPart(id, number, part.slice(offset, offset + size), {
              signal,
              onProgress,
              offset
            }));
        offset += size;
      } catch (reason) {
        if (isTooLarge(reason) && limit.shrink(size)) {
          continue;
        }
        if (!offset || !isForgotten(reason) || ++restarts > MAX_PART_RESTARTS) {
          throw reason;
        }
        offset = 0;
      }
    }
  }

  private async _complete(upload: Upload): Promise<void> {
    const { server, slots } = this._sender;
    const { stop } = this._job;
    let unanswered = false;
    const complete = async () => {
      try {
        await server.completeUpload(upload.uploadId);
      } catch (reason) {
        // The first request may have succeeded, with only its reply lost.
        if (unanswered && isGone(reason) && (await this._isThere(upload))) {
          return;
        }
        unanswered ||= isUnanswered(reason);
        throw reason;
      }
    };
    const completeOnce = () => this._withRetries(() => slots.within(stop, complete));
    try {
      await completeOnce();
    } catch (reason) {
      if (ApiError.from(reason).code !== 'MissingParts') {
        throw reason;
      }
      // The store has lost some parts.
      const now = await this._withRetries(() => server.getUpload(upload.uploadId));
      await this._sendMissing(now);
      await completeOnce();
    }
  }

  /** Return whether the object of these parts exists: its ETag ends with their number. */
  private async _isThere({ key, size, partCount }: Upload): Promise<boolean> {
    const { bucket } = this._job;
    const found = await this._withRetries(() => this._sender.server.headObject(bucket, key));
    return found?.size === size && !!found.etag?.endsWith(`-${partCount}"`);
  }

  private _withRetries<T>(work: () => Promise<T>, signal = this._job.stop): Promise<T> {
    const { backoff } = this._sender;
    return withRetries(work, signal, backoff, this._job.onRetry);
  }

  private _report(): void {
    let sent = this._confirmed;
    this._underWay.forEach(bytes => {
      sent += bytes;
    });
    this._job.onProgress(sent);
  }

  private _confirmed = 0;
  /** Part number to the number of bytes sent. */
  private readonly _underWay = new Map<number, number>();
}

function isGone(reason: unknown): boolean {
  return reason instanceof ApiError && reason.code === 'NoSuchUpload';
}

/** Return whether the server has discarded the earlier pieces of a part. */
function isForgotten(reason: unknown): boolean {
  return reason instanceof ApiError && reason.code === 'MissingParts';
}

/** Return whether the request may have succeeded: the reply, if any, did not come from our server. */
function isUnanswered(reason: unknown): boolean {
  const { code } = ApiError.from(reason);
  return code === 'NetworkError' || code.startsWith('HTTP');
}

/** Return a controller that is aborted with any of the signals, or by itself. */
function linkedController(...signals: AbortSignal[]): AbortController {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const signal of signals) {
    signal.addEventListener('abort', abort, { signal: controller.signal });
    if (signal.aborted) {
      abort();
    }
  }
  return controller;
}
