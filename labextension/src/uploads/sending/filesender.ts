import { ApiError } from '../../api/request';
import { BodyLimit, isTooLarge } from './bodylimit';
import {
  MAX_SINGLE_PUT_BYTES,
  type IFileJob,
  type ISender,
  type IServerUpload,
  type IUploadServer
} from './filejob';
import { PartUpload } from './partupload';
import { assertReadable } from './readable';
import { isTransient, withRetries, type IBackoff } from './retry';
import { Slots } from './slots';

/** Sends files: small ones in one request, larger ones in parts, which are split if a proxy limits requests. */
export class FileSender implements ISender {
  constructor(private readonly _options: FileSender.IOptions) {
    this.server = _options.server;
    this.backoff = _options.backoff;
    this.slots = new Slots(_options.maxRequests);
  }

  readonly server: IUploadServer;
  readonly backoff: IBackoff;
  readonly slots: Slots;
  readonly limit = new BodyLimit();

  /** Resolves to true if the file was stored, and to false if it was skipped. */
  async send(job: IFileJob): Promise<boolean> {
    if (job.file.size <= Math.min(MAX_SINGLE_PUT_BYTES, this.limit.bytes)) {
      try {
        return await this._put(job);
      } catch (reason) {
        // Parts are smaller requests.
        if (!isTooLarge(reason) || !this.limit.shrink(job.file.size)) {
          throw reason;
        }
      }
    }
    let { serverUpload } = job;
    const onUploadStarted = (now: IServerUpload) => {
      serverUpload = now;
      job.onUploadStarted(now);
    };
    try {
      await new PartUpload({ ...job, onUploadStarted }, this).run();
      return true;
    } catch (reason) {
      const { code, status } = ApiError.from(reason);
      const skipped = job.onConflict === 'skip' && status === 409 && code === 'Conflict';
      if (serverUpload && (skipped || job.signal.aborted)) {
        this.discard(serverUpload.id);
      }
      if (skipped) {
        return false;
      }
      throw reason;
    }
  }

  /** Delete the uploaded parts. If that fails, the upload is offered as unfinished later. */
  discard(id: string): void {
    const never = new AbortController().signal;
    withRetries(() => this.server.abortUpload(id), never, this.backoff)
      .catch(() => undefined)
      .finally(() => this._options.onDiscarded?.());
  }

  lock(id: string): () => void {
    return this._options.lock?.(id) ?? (() => undefined);
  }

  private _put(job: IFileJob): Promise<boolean> {
    const { bucket, key, file, onConflict, signal, stop, onProgress } = job;
    const put = async () => {
      onProgress(0);
      try {
        return await this.server.putObject(bucket, key, file, { onConflict, signal, onProgress });
      } catch (reason) {
        if (isTransient(reason)) {
          await assertReadable(file);
        }
        throw reason;
      }
    };
    return withRetries(() => this.slots.within(stop, put), stop, this.backoff, job.onRetry);
  }
}

export namespace FileSender {
  export interface IOptions {
    server: IUploadServer;
    backoff: IBackoff;
    /** The number of requests in parallel. */
    maxRequests: number;
    lock?: (id: string) => () => void;
    onDiscarded?: () => void;
  }
}
