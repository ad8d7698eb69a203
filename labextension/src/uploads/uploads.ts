import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Upload } from '../tokens';
import { UploadBatch, type INamedFile, type IUploadItem } from './batch';
import { Conflicts, type IAnswer } from './conflicts';
import { UploadQueue } from './uploadqueue';

/** Thousands of progress events are combined to a few notifications a second. */
const NOTIFY_INTERVAL_MS = 100;

/** Uploads from this page, a few files in parallel over all batches. Closing the page ends them. */
export class UploadsModel implements IDisposable {
  constructor(private readonly _options: UploadsModel.IOptions) {
    const conflicts = new Conflicts({
      ask: _options.ask,
      onAnswer: (batch, item, choice) => this._onAnswer(batch, item, choice)
    });
    this._queue = new UploadQueue({
      send: _options.send,
      limit: _options.limit,
      smallFiles: _options.smallFiles,
      onConflict: (batch, item) => conflicts.add(batch, item),
      onSettled: batch => this._settle(batch),
      onChanged: () => this._changed(),
      onFree: () => this._queue.startNext(this._batches)
    });
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Newest first. */
  get batches(): readonly UploadBatch[] {
    return this._batches;
  }

  get active(): boolean {
    return this._batches.some(batch => batch.active);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._batches.forEach(batch => batch.abort.abort());
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  add(bucket: string, prefix: string, files: readonly INamedFile[]): UploadBatch | null {
    if (!files.length) {
      return null;
    }
    const batch = this._batch(bucket, prefix, files);
    this._start(batch);
    return batch;
  }

  /** Continue an interrupted upload with the same file, selected again. */
  resumeInterrupted({ uploadId, bucket, key }: Upload, file: File): void {
    const cut = key.lastIndexOf('/') + 1;
    const batch = this._batch(bucket, key.slice(0, cut), [{ name: key.slice(cut), file }]);
    batch.uploadIds.add(uploadId);
    batch.items[0].serverUpload = { id: uploadId, onConflict: 'fail' };
    this._start(batch);
  }

  /** Return whether this page sends the upload, or shows it in a row. */
  has(uploadId: string): boolean {
    return this._batches.some(batch => batch.uploadIds.has(uploadId));
  }

  /** Start no more files; running requests finish. */
  pause(id: string): void {
    const batch = this._find(id);
    if (batch?.active) {
      batch.pause();
      this._changed();
    }
  }

  resume(id: string): void {
    const batch = this._find(id);
    if (batch?.active && batch.paused) {
      batch.restart();
      this._changed();
      this._queue.startNext(this._batches);
    }
  }

  cancel(id: string): void {
    const batch = this._find(id);
    if (!batch?.active) {
      return;
    }
    batch.cancelled = true;
    batch.abort.abort();
    batch.pause();
    for (const item of batch.items) {
      // A running file discards its own parts; discard those of all others here.
      if (item.serverUpload && ['waiting', 'asking', 'failed'].includes(item.state)) {
        this._options.discard?.(item.serverUpload.id);
      }
      if (['waiting', 'asking', 'running'].includes(item.state)) {
        batch.move(item, 'cancelled');
      }
    }
    this._settle(batch);
  }

  /** Retry the failed files. */
  retry(id: string): void {
    const batch = this._find(id);
    if (!batch || batch.cancelled) {
      return;
    }
    batch.restart();
    for (const item of batch.items) {
      if (item.state === 'failed') {
        item.error = null;
        batch.move(item, 'waiting');
      }
    }
    this._changed();
    this._queue.startNext(this._batches);
  }

  clear(id: string): void {
    this._batches = this._batches.filter(batch => batch.id !== id || batch.active);
    this._changed();
  }

  private _batch(bucket: string, prefix: string, files: readonly INamedFile[]): UploadBatch {
    const now = this._options.now ?? (() => performance.now());
    return new UploadBatch(`upload-${++this._lastId}`, bucket, prefix, files, now);
  }

  private _start(batch: UploadBatch): void {
    this._batches = [batch, ...this._batches];
    this._changed();
    this._queue.startNext(this._batches);
  }

  private _find(id: string): UploadBatch | undefined {
    return this._batches.find(batch => batch.id === id);
  }

  private _onAnswer(batch: UploadBatch, item: IUploadItem, choice: IAnswer['choice']): void {
    if (choice === 'skip') {
      if (item.serverUpload) {
        this._options.discard?.(item.serverUpload.id);
      }
      batch.move(item, 'skipped');
      this._settle(batch);
    } else {
      item.onConflict = choice;
      batch.move(item, 'waiting');
      this._changed();
      this._queue.startNext(this._batches);
    }
  }

  private _settle(batch: UploadBatch): void {
    this._changed();
    if (!batch.active) {
      this._options.onSettled?.(batch);
    }
  }

  private _changed(): void {
    if (this._timer === undefined && !this._isDisposed) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        this._stateChanged.emit();
      }, NOTIFY_INTERVAL_MS);
    }
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _queue: UploadQueue;
  private _batches: readonly UploadBatch[] = [];
  private _lastId = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

export namespace UploadsModel {
  export interface IOptions {
    send: UploadQueue.IOptions['send'];
    /** Discard the uploaded parts of a file that is not being sent. */
    discard?: (uploadId: string) => void;
    /** Ask what to do with an existing object. */
    ask: Conflicts.IOptions['ask'];
    limit: UploadQueue.IOptions['limit'];
    smallFiles: UploadQueue.IOptions['smallFiles'];
    /** Called when all files of a batch have finished, failed or been cancelled. */
    onSettled?: (batch: UploadBatch) => void;
    now?: () => number;
  }
}
