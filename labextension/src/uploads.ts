import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { UploadBatch, type INamedFile, type IUploadItem } from './batch';
import { ApiError } from './request';
import type { OnConflict } from './tokens';

/** Progress events come by the thousand; a view needs a few a second. */
const NOTIFY_MS = 100;

/** Uploads from this page, a few files at a time over all batches. They live as long as the page does. */
export class UploadsModel implements IDisposable {
  constructor(private readonly _options: UploadsModel.IOptions) {}

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
    const now = this._options.now ?? (() => performance.now());
    const batch = new UploadBatch(`upload-${++this._lastId}`, bucket, prefix, files, now);
    this._batches = [batch, ...this._batches];
    this._changed();
    this._pump();
    return batch;
  }

  cancel(id: string): void {
    const batch = this._find(id);
    if (!batch?.active) {
      return;
    }
    batch.cancelled = true;
    for (const item of batch.items) {
      if (item.state === 'waiting' || item.state === 'asking' || item.state === 'running') {
        batch.move(item, 'cancelled');
      }
    }
    batch.abort.abort();
    this._settle(batch);
  }

  /** Try again what failed. */
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
    this._pump();
  }

  clear(id: string): void {
    this._batches = this._batches.filter(batch => batch.id !== id || batch.active);
    this._changed();
  }

  private _find(id: string): UploadBatch | undefined {
    return this._batches.find(batch => batch.id === id);
  }

  private _pump(): void {
    const limit = Math.max(1, this._options.limit());
    // Oldest batch first.
    for (const batch of [...this._batches].reverse()) {
      // Thousands of finished items must not be looked at again for every file that ends.
      for (const item of batch.count('waiting') ? batch.items : []) {
        if (this._running >= limit) {
          return;
        }
        if (item.state === 'waiting') {
          void this._send(batch, item);
        }
      }
    }
  }

  private async _send(batch: UploadBatch, item: IUploadItem): Promise<void> {
    this._running += 1;
    batch.move(item, 'running');
    this._changed();
    try {
      const onConflict = item.onConflict === 'fail' ? batch.policy : item.onConflict;
      const stored = await this._options.put(batch.bucket, item.key, item.file, {
        onConflict,
        signal: batch.abort.signal,
        onProgress: sent => {
          if (item.state === 'running') {
            batch.progress(item, sent);
            this._changed();
          }
        }
      });
      this._finish(batch, item, stored ? 'done' : 'skipped');
    } catch (reason) {
      const error = ApiError.from(reason);
      if (error.status === 409 && error.code === 'Conflict' && item.state === 'running') {
        this._conflict(batch, item);
      } else {
        item.error = error.message;
        this._finish(batch, item, 'failed');
      }
    } finally {
      this._running -= 1;
      this._changed();
      this._pump();
    }
  }

  private _finish(
    batch: UploadBatch,
    item: IUploadItem,
    state: 'done' | 'skipped' | 'failed'
  ): void {
    // A batch that was cancelled meanwhile has already said what became of the item.
    if (item.state === 'running') {
      batch.move(item, state);
      this._settle(batch);
    }
  }

  private _conflict(batch: UploadBatch, item: IUploadItem): void {
    batch.move(item, 'asking');
    if (!this._asking.has(batch)) {
      this._asking.add(batch);
      void this._ask(batch).finally(() => this._asking.delete(batch));
    }
  }

  /** One question at a time; other files of the batch go on meanwhile, and no slot is held. */
  private async _ask(batch: UploadBatch): Promise<void> {
    for (;;) {
      const item = batch.items.find(({ state }) => state === 'asking');
      if (!item) {
        return;
      }
      const more = batch.filesTotal > 1;
      const answer =
        batch.policy === 'fail'
          ? await this._options.ask(batch, item, more)
          : { choice: batch.policy, all: false };
      if (item.state !== 'asking') {
        continue;
      }
      if (answer.all) {
        batch.policy = answer.choice;
      }
      if (answer.choice === 'skip') {
        batch.move(item, 'skipped');
        this._settle(batch);
      } else {
        item.onConflict = answer.choice;
        batch.move(item, 'waiting');
      }
      this._changed();
      this._pump();
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
      }, NOTIFY_MS);
    }
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _asking = new Set<UploadBatch>();
  private _batches: readonly UploadBatch[] = [];
  private _running = 0;
  private _lastId = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

export namespace UploadsModel {
  export interface IAnswer {
    choice: Exclude<OnConflict, 'fail'>;
    /** The same for every other file of the batch. */
    all: boolean;
  }

  export interface IOptions {
    /** Store one file; resolves to false when it was left alone. */
    put(
      bucket: string,
      key: string,
      file: File,
      options: {
        onConflict: OnConflict;
        signal: AbortSignal;
        onProgress: (sent: number) => void;
      }
    ): Promise<boolean>;
    /** What to do with a file that is there already. */
    ask(batch: UploadBatch, item: IUploadItem, more: boolean): Promise<IAnswer>;
    /** How many files at once. */
    limit: () => number;
    /** All files of a batch are done, failed or cancelled. */
    onSettled?: (batch: UploadBatch) => void;
    now?: () => number;
  }
}
