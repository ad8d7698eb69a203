import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError } from '../api/request';

/** What a dialog's form shows. One signal; nothing that was begun goes on when the dialog is closed. */
export abstract class FormModel implements IDisposable {
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** What the form waits for, in a word of the form's own; null while it waits for nothing. */
  get busy(): string | null {
    return this._busy;
  }

  /** Why the last thing that was asked for did not work. */
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

  /** Do one thing at a time; an error of it stays in the form. Resolves to whether it worked. */
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

/** The newest of several questions: asking again takes back the one before. */
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
