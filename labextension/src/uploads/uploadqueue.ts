import { ApiError } from '../api/request';
import type { IUploadItem, UploadBatch } from './batch';
import type { AdaptiveLimit } from './sending/adaptivelimit';
import type { FileSize, IFileJob } from './sending/filejob';
import { isAbort } from './sending/retry';

/**
 * Sends files of all batches, a few in parallel, and records the results. Small files have a limit of their own, because
 * they need time for replies more than for bytes.
 */
export class UploadQueue {
  constructor(private readonly _options: UploadQueue.IOptions) {}

  /** Start as many files as the limits allow. Batches are listed newest first and started oldest first. */
  startNext(batches: readonly UploadBatch[]): void {
    const oldestFirst = batches.filter(({ paused }) => !paused).reverse();
    for (const size of ['small', 'large'] as const) {
      const next = () => oldestFirst.find(batch => batch.nextWaiting(size));
      for (let batch = next(); batch && !this._isFull(size); batch = next()) {
        void this._send(batch, batch.nextWaiting(size)!, size);
      }
    }
  }

  private _isFull(size: FileSize): boolean {
    const { limit, smallFiles } = this._options;
    return this._running[size] >= Math.max(1, size === 'small' ? smallFiles.value : limit());
  }

  private async _send(batch: UploadBatch, item: IUploadItem, size: FileSize): Promise<void> {
    const { stop } = batch;
    this._running[size] += 1;
    batch.move(item, 'running');
    this._options.onChanged();
    try {
      const stored = await this._options.send(this._job(batch, item));
      if (size === 'small' && stored) {
        this._options.smallFiles.finished(item.file.size, this._isFull(size));
      }
      this._finish(batch, item, stored ? 'done' : 'skipped');
    } catch (reason) {
      this._handleError(batch, item, reason, stop);
    } finally {
      this._running[size] -= 1;
      this._options.onChanged();
      this._options.onFree();
    }
  }

  private _job(batch: UploadBatch, item: IUploadItem): IFileJob {
    return {
      bucket: batch.bucket,
      key: item.key,
      file: item.file,
      onConflict: item.onConflict === 'fail' ? batch.policy : item.onConflict,
      serverUpload: item.serverUpload,
      onUploadStarted: serverUpload => {
        item.serverUpload = serverUpload;
        batch.uploadIds.add(serverUpload.id);
      },
      signal: batch.abort.signal,
      stop: batch.stop,
      onProgress: sent => {
        if (item.state === 'running') {
          item.retryReason = sent > item.sent ? null : item.retryReason;
          batch.progress(item, sent);
          this._options.onChanged();
        }
      },
      onRetry: ({ message }) => {
        this._options.smallFiles.failed();
        item.retryReason = message;
        this._options.onChanged();
      }
    };
  }

  private _handleError(
    batch: UploadBatch,
    item: IUploadItem,
    reason: unknown,
    stop: AbortSignal
  ): void {
    // A cancelled batch has already set the state of the item.
    if (item.state !== 'running') {
      return;
    }
    const { code, status, message } = ApiError.from(reason);
    if (status === 409 && code === 'Conflict') {
      this._options.onConflict(batch, item);
    } else if (stop.aborted && isAbort(reason)) {
      batch.move(item, 'waiting');
    } else {
      item.error = message;
      this._finish(batch, item, 'failed');
    }
  }

  private _finish(
    batch: UploadBatch,
    item: IUploadItem,
    state: 'done' | 'skipped' | 'failed'
  ): void {
    if (item.state === 'running') {
      batch.move(item, state);
      this._options.onSettled(batch);
    }
  }

  private readonly _running: Record<FileSize, number> = { small: 0, large: 0 };
}

export namespace UploadQueue {
  export interface IOptions {
    /** Store one file. Resolves to false if it was skipped; rejects with an AbortError if it was stopped. */
    send(job: IFileJob): Promise<boolean>;
    /** The number of large files sent in parallel. */
    limit: () => number;
    /** The number of small files sent in parallel, which learns from them. */
    smallFiles: Pick<AdaptiveLimit, 'value' | 'finished' | 'failed'>;
    /** Called when an object exists at the target. */
    onConflict: (batch: UploadBatch, item: IUploadItem) => void;
    /** Called when a file has finished or failed. */
    onSettled: (batch: UploadBatch) => void;
    onChanged: () => void;
    /** Called when another file may start. */
    onFree: () => void;
  }
}
