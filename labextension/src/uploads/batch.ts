import type { OnConflict } from '../tokens';
import { RateMeter } from './rate';
import { sizeOf, type FileSize, type IServerUpload } from './sending/filejob';

export interface INamedFile {
  /** Relative to where it was selected or dropped, with slashes. */
  name: string;
  file: File;
}

export type ItemState =
  'waiting' | 'running' | 'asking' | 'done' | 'skipped' | 'failed' | 'cancelled';

/** The upload of one file to one key. */
export interface IUploadItem {
  readonly name: string;
  readonly key: string;
  readonly file: File;
  state: ItemState;
  sent: number;
  onConflict: OnConflict;
  /** The multipart upload of a larger file on the server, kept after a pause, an error and a retry. */
  serverUpload: IServerUpload | null;
  /** Why it is being retried. */
  retryReason: string | null;
  error: string | null;
}

/** The files selected or dropped at one time. Sums are updated, not recomputed: a batch may have thousands of files. */
export class UploadBatch {
  constructor(
    readonly id: string,
    readonly bucket: string,
    readonly prefix: string,
    files: readonly INamedFile[],
    now: () => number
  ) {
    this.items = files.map(({ name, file }) => ({
      name,
      file,
      key: prefix + name,
      state: 'waiting',
      sent: 0,
      onConflict: 'fail',
      serverUpload: null,
      retryReason: null,
      error: null
    }));
    this.bytesTotal = files.reduce((sum, { file }) => sum + file.size, 0);
    for (const item of this.items) {
      this._queues[sizeOf(item.file)].items.push(item);
    }
    this._counts.waiting = files.length;
    this._meter = new RateMeter(now);
  }

  readonly items: readonly IUploadItem[];
  readonly bytesTotal: number;
  readonly abort = new AbortController();
  /** The IDs of all uploads started for these files, whatever their result. */
  readonly uploadIds = new Set<string>();
  /** The choice for all conflicts of the batch. */
  policy: OnConflict = 'fail';
  cancelled = false;

  get paused(): boolean {
    return this.stop.aborted;
  }

  /** Aborted by a pause and by a cancel; renewed after a pause. */
  get stop(): AbortSignal {
    return this._stop.signal;
  }

  get bytesDone(): number {
    return this._bytesDone;
  }

  get filesTotal(): number {
    return this.items.length;
  }

  count(state: ItemState): number {
    return this._counts[state];
  }

  /** Return the first waiting file of this size, if any. */
  nextWaiting(size: FileSize): IUploadItem | null {
    const queue = this._queues[size];
    // Thousands of finished files are not read again each time a file ends.
    while (queue.first < queue.items.length && queue.items[queue.first].state !== 'waiting') {
      queue.first += 1;
    }
    return queue.items[queue.first] ?? null;
  }

  get active(): boolean {
    return this.count('waiting') + this.count('running') + this.count('asking') > 0;
  }

  get rate(): number | null {
    return this.active && !this.paused ? this._meter.rate : null;
  }

  /** Seconds left, or null if unknown. */
  get eta(): number | null {
    const rate = this.rate;
    return rate ? (this.bytesTotal - this._bytesDone) / rate : null;
  }

  /** Between 0 and 1; files without bytes are counted by number. */
  get fraction(): number {
    if (this.bytesTotal > 0) {
      return this._bytesDone / this.bytesTotal;
    }
    return this.items.length ? (this.count('done') + this.count('skipped')) / this.items.length : 1;
  }

  /** Why a file is being retried, while that lasts. */
  get retryReason(): string | null {
    return this.count('running')
      ? (this.items.find(({ retryReason }) => retryReason !== null)?.retryReason ?? null)
      : null;
  }

  /** The first error, because only one line is shown. */
  get error(): string | null {
    return this.items.find(item => item.state === 'failed')?.error ?? null;
  }

  move(item: IUploadItem, state: ItemState): void {
    this._counts[item.state] -= 1;
    this._counts[state] += 1;
    item.state = state;
    item.retryReason = null;
    if (state === 'waiting') {
      this._queues[sizeOf(item.file)].first = 0;
    }
    if (state === 'done' || state === 'skipped') {
      this.progress(item, item.file.size);
    } else if (state === 'failed' || state === 'cancelled') {
      this.progress(item, 0);
    }
  }

  progress(item: IUploadItem, sent: number): void {
    // A browser may report progress late or beyond the file's size.
    const now = Math.min(sent, item.file.size);
    this._bytesDone += now - item.sent;
    item.sent = now;
    this._meter.add(this._bytesDone);
  }

  pause(): void {
    this._stop.abort();
  }

  /** Continue after a pause or a failure. */
  restart(): void {
    this._meter.reset();
    if (this.paused) {
      this._stop = new AbortController();
    }
  }

  private readonly _meter: RateMeter;
  private _stop = new AbortController();
  private _bytesDone = 0;
  /** The files in order; those before `first` are not waiting. */
  private readonly _queues: Record<FileSize, { items: IUploadItem[]; first: number }> = {
    small: { items: [], first: 0 },
    large: { items: [], first: 0 }
  };
  private readonly _counts: Record<ItemState, number> = {
    waiting: 0,
    running: 0,
    asking: 0,
    done: 0,
    skipped: 0,
    failed: 0,
    cancelled: 0
  };
}
