import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError } from '../api/request';
import type { FileState, Transfer, TransferFile, TransferFiles } from '../tokens';
import { isFinished } from './transfers';

/** Failed files first, because users look for them. */
const STATE_ORDER: readonly FileState[] = [
  'failed',
  'running',
  'queued',
  'completed',
  'skipped',
  'cancelled'
];
/** Files loaded at a time. */
const PAGE_SIZE = 100;
/** The maximum of the server. */
const MAX_PAGE_SIZE = 1000;
const REFRESH_MS = 2000;

/** The files of one transfer by state, reloaded while they are shown and the transfer is active. */
export class TransferFilesModel implements IDisposable {
  constructor(private readonly _options: TransferFilesModel.IOptions) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get files(): readonly TransferFile[] {
    return this._files;
  }

  /** The number of files not shown. */
  get more(): number {
    return Math.max(0, (this._transfer?.filesTotal ?? 0) - this._files.length);
  }

  get loaded(): boolean {
    return this._loaded;
  }

  get error(): ApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  dispose(): void {
    this._abort.abort();
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  /** Update the transfer; its files are reloaded soon. */
  update(transfer: Transfer): void {
    this._transfer = transfer;
    this._schedule();
  }

  showMore(): void {
    this._requested = this._files.length + PAGE_SIZE;
    void this._load();
  }

  private _schedule(): void {
    if (this._timer !== undefined || this.isDisposed) {
      return;
    }
    const wait = this._loading ? REFRESH_MS : this._nextAt - this._now();
    this._timer = setTimeout(
      () => {
        this._timer = undefined;
        void this._load();
      },
      Math.max(0, wait)
    );
  }

  private async _load(): Promise<void> {
    if (this._loading) {
      this._schedule();
      return;
    }
    this._loading = true;
    try {
      this._files = await this._read();
      this._loaded = true;
      this._error = null;
    } catch (reason) {
      this._error = ApiError.from(reason);
    }
    this._loading = false;
    this._nextAt = this._now() + REFRESH_MS;
    if (!this.isDisposed) {
      this._stateChanged.emit();
    }
  }

  private async _read(): Promise<TransferFile[]> {
    const found = new Map<string, TransferFile>();
    for (const state of STATE_ORDER) {
      for (let offset = 0; found.size < this._requested && this._mayHave(state);) {
        const { signal } = this._abort;
        const limit = Math.min(MAX_PAGE_SIZE, this._requested - found.size);
        const page = await this._options.list({ state, offset, limit, signal });
        for (const file of page.files) {
          // A file that changed state between two requests is in both replies.
          if (!found.has(file.path)) {
            found.set(file.path, file);
          }
        }
        offset += page.files.length;
        if (!page.files.length || offset >= page.total) {
          break;
        }
      }
    }
    return [...found.values()];
  }

  private _mayHave(state: FileState): boolean {
    const transfer = this._transfer!;
    switch (state) {
      case 'failed':
        return transfer.filesFailed > 0;
      case 'running':
        return !isFinished(transfer);
      case 'cancelled':
        return transfer.state === 'cancelled';
      default:
        return true;
    }
  }

  private _now(): number {
    return (this._options.now ?? (() => performance.now()))();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _abort = new AbortController();
  private _transfer: Transfer | null = null;
  private _files: readonly TransferFile[] = [];
  private _error: ApiError | null = null;
  private _requested = PAGE_SIZE;
  private _loaded = false;
  private _loading = false;
  private _nextAt = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

export namespace TransferFilesModel {
  export interface IOptions {
    list(window: {
      state: FileState;
      offset: number;
      limit: number;
      signal: AbortSignal;
    }): Promise<TransferFiles>;
    now?: () => number;
  }
}
