import type { OnConflict } from '../tokens';
import { RateMeter } from './rate';
import type { IServerUpload } from './sending/filejob';

export interface INamedFile {
  /** Relative to where it was picked or dropped, with slashes. */
  name: string;
  file: File;
}

export type ItemState =
  'waiting' | 'running' | 'asking' | 'done' | 'skipped' | 'failed' | 'cancelled';

/** One file on its way to one key. */
export interface IUploadItem {
  readonly name: string;
  readonly key: string;
  readonly file: File;
  state: ItemState;
  sent: number;
  onConflict: OnConflict;
  /** A larger file's upload on the server, which a pause, an error and a retry leave there. */
  serverUpload: IServerUpload | null;
  /** Why it is being tried again. */
  retryReason: string | null;
  error: string | null;
}

/** The files of one pick or drop. Its sums are kept, not counted: a batch may have thousands of files. */
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
    this._counts.waiting = files.length;
    this._meter = new RateMeter(now);
  }

  readonly items: readonly IUploadItem[];
  readonly bytesTotal: number;
  readonly abort = new AbortController();
  /** All uploads that were begun for these files, whatever became of them. */
  readonly uploadIds = new Set<string>();
  /** The answer that was given for all files of the batch. */
  policy: OnConflict = 'fail';
  cancelled = false;

  get paused(): boolean {
    return this.stop.aborted;
  }

  /** Aborted by a pause and by a cancel; each start after a pause has a new one. */
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

  get active(): boolean {
    return this.count('waiting') + this.count('running') + this.count('asking') > 0;
  }

  get rate(): number | null {
    return this.active && !this.paused ? this._meter.rate : null;
  }

  /** Seconds left, when that can be told. */
  get eta(): number | null {
    const rate = this.rate;
    return rate ? (this.bytesTotal - this._bytesDone) / rate : null;
  }

  /** Between 0 and 1; files without bytes count by their number. */
  get fraction(): number {
    if (this.bytesTotal > 0) {
      return this._bytesDone / this.bytesTotal;
    }
    return this.items.length ? (this.count('done') + this.count('skipped')) / this.items.length : 1;
  }

  /** Why a file is being tried again, as long as it is. */
  get retryReason(): string | null {
    return this.count('running')
      ? (this.items.find(({ retryReason }) => retryReason !== null)?.retryReason ?? null)
      : null;
  }

  /** The first failure, for the one line that there is. */
  get error(): string | null {
    return this.items.find(item => item.state === 'failed')?.error ?? null;
  }

  move(item: IUploadItem, state: ItemState): void {
    this._counts[item.state] -= 1;
    this._counts[state] += 1;
    item.state = state;
    item.retryReason = null;
    if (state === 'done' || state === 'skipped') {
      this.progress(item, item.file.size);
    } else if (state === 'failed' || state === 'cancelled') {
      this.progress(item, 0);
    }
  }

  progress(item: IUploadItem, sent: number): void {
    // The body of a request may be larger than the file by nothing, but a browser may report it late.
    const now = Math.min(sent, item.file.size);
    this._bytesDone += now - item.sent;
    item.sent = now;
    this._meter.add(this._bytesDone);
  }

  pause(): void {
    this._stop.abort();
  }

  /** Go on after a pause or a failure. */
  restart(): void {
    this._meter.reset();
    if (this.paused) {
      this._stop = new AbortController();
    }
  }

  private readonly _meter: RateMeter;
  private _stop = new AbortController();
  private _bytesDone = 0;
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
