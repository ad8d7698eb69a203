import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError } from '../api/request';
import type { Usage } from '../tokens';
import type { IRow } from './rows';

/** Counts the objects and bytes of rows. Files are known immediately; folders are counted step by step. */
export class SizeCounter implements IDisposable {
  constructor(
    private readonly _server: SizeCounter.IServer,
    private readonly _bucket: string,
    rows: readonly IRow[]
  ) {
    const files = rows.filter(({ kind }) => kind === 'file');
    this._objects = files.length;
    this._bytes = files.reduce((sum, { size }) => sum + (size ?? 0), 0);
    this._folders = rows.filter(({ kind }) => kind === 'folder').map(({ key }) => key);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get objects(): number {
    return this._objects;
  }

  get bytes(): number {
    return this._bytes;
  }

  get counting(): boolean {
    return this._abort !== null;
  }

  /** False while there may be more than was counted. */
  get complete(): boolean {
    return this._folders.length === 0;
  }

  /** Why counting failed. */
  get error(): ApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.stop();
    Signal.clearData(this);
  }

  /** Start counting, or continue after a stop or an error. */
  async start(): Promise<void> {
    if (this._abort || this.complete || this._isDisposed) {
      return;
    }
    const abort = (this._abort = new AbortController());
    this._error = null;
    this._stateChanged.emit();
    try {
      while (this._folders.length && !abort.signal.aborted) {
        await this._step(abort.signal);
      }
    } catch (reason) {
      if (!abort.signal.aborted) {
        this._error = ApiError.from(reason);
      }
    }
    if (this._abort === abort) {
      this._abort = null;
      this._stateChanged.emit();
    }
  }

  stop(): void {
    if (this._abort) {
      this._abort.abort();
      this._abort = null;
      this._stateChanged.emit();
    }
  }

  private async _step(signal: AbortSignal): Promise<void> {
    const step = await this._server.countUsage(this._bucket, this._folders[0], {
      continuationToken: this._token ?? undefined,
      signal
    });
    if (signal.aborted) {
      return;
    }
    this._objects += step.objects;
    this._bytes += step.bytes;
    this._token = step.nextContinuationToken;
    if (this._token === null) {
      this._folders.shift();
    }
    this._stateChanged.emit();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  /** Folders not completely counted; the first one continues at the token. */
  private readonly _folders: string[];
  private _token: string | null = null;
  private _objects: number;
  private _bytes: number;
  private _abort: AbortController | null = null;
  private _error: ApiError | null = null;
  private _isDisposed = false;
}

export namespace SizeCounter {
  export interface IServer {
    countUsage(
      bucket: string,
      prefix: string,
      options: { continuationToken?: string; signal?: AbortSignal }
    ): Promise<Usage>;
  }
}
