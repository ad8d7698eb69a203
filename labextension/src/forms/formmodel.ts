import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError } from '../api/request';

/** The state of a dialog's form. Closing the dialog cancels all requests. */
export abstract class FormModel implements IDisposable {
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** What the form is busy with, as a word that the form defines; null if it is idle. */
  get busy(): string | null {
    return this._busy;
  }

  /** Why the last action failed. */
  get error(): ApiError | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._closed.signal.aborted;
  }

  dispose(): void {
    this._closed.abort();
    Signal.clearData(this);
  }

  /** Aborted when the dialog is closed. */
  protected get closed(): AbortSignal {
    return this._closed.signal;
  }

  protected changed(): void {
    if (!this.isDisposed) {
      this._stateChanged.emit();
    }
  }

  protected setError(error: ApiError | null): void {
    this._error = error;
  }

  /** Run one action at a time and keep its error in the form. Resolves to whether it succeeded. */
  protected async run(what: string, work: () => Promise<void>): Promise<boolean> {
    if (this._busy !== null) {
      return false;
    }
    this._busy = what;
    this._error = null;
    this.changed();
    try {
      await work();
      return true;
    } catch (reason) {
      if (!this.isDisposed) {
        this._error = ApiError.from(reason);
      }
      return false;
    } finally {
      this._busy = null;
      this.changed();
    }
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _closed = new AbortController();
  private _busy: string | null = null;
  private _error: ApiError | null = null;
}

/** The latest of several requests: a new one cancels the previous one. */
export class LatestRequest {
  constructor(private readonly _closed: AbortSignal) {}

  next(): AbortSignal {
    this.stop();
    this._abort = new AbortController();
    return AbortSignal.any([this._closed, this._abort.signal]);
  }

  stop(): void {
    this._abort?.abort();
  }

  private _abort: AbortController | null = null;
}
