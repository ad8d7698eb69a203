import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { OdhTecAPI } from '../api/api';
import { ApiError } from '../api/request';
import type { IObjectLocation } from '../drive/documents';
import type { Preview } from '../tokens';

/** The preview of one object. */
export class PreviewModel implements IDisposable {
  constructor(
    private readonly _server: PreviewModel.Server,
    readonly object: IObjectLocation
  ) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get preview(): Preview | null {
    return this._preview;
  }

  get error(): ApiError | null {
    return this._error;
  }

  get loading(): boolean {
    return this._loading;
  }

  /** Whether the object has changed or was deleted since it was read. */
  get storedState(): 'same' | 'changed' | 'deleted' {
    return this._storedState;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort?.abort();
    Signal.clearData(this);
  }

  /** Load or reload the preview. The old one stays until then. */
  async load(): Promise<void> {
    const signal = this._startRequest();
    const { bucket, key } = this.object;
    try {
      const preview = await this._server.getPreview(bucket, key, signal);
      if (!signal.aborted) {
        this._preview = preview;
        this._storedState = 'same';
      }
    } catch (reason) {
      if (!signal.aborted) {
        this._preview = null;
        this._error = ApiError.from(reason);
      }
    }
    if (!signal.aborted) {
      this._loading = false;
      this._stateChanged.emit();
    }
  }

  /** Check with one HEAD request whether the object has changed. */
  async check(): Promise<void> {
    const preview = this._preview;
    if (!preview || this._loading) {
      return;
    }
    try {
      const head = await this._server.headObject(this.object.bucket, this.object.key);
      if (preview === this._preview && !this._isDisposed) {
        this._storedState = !head
          ? 'deleted'
          : unquoted(head.etag) === unquoted(preview.ETag)
            ? 'same'
            : 'changed';
        this._stateChanged.emit();
      }
    } catch {
      // The preview was correct when it was read, so ignore the error.
    }
  }

  private _startRequest(): AbortSignal {
    this._abort?.abort();
    this._abort = new AbortController();
    this._loading = true;
    this._error = null;
    this._stateChanged.emit();
    return this._abort.signal;
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private _preview: Preview | null = null;
  private _error: ApiError | null = null;
  private _loading = false;
  private _storedState: 'same' | 'changed' | 'deleted' = 'same';
  private _isDisposed = false;
  private _abort: AbortController | null = null;
}

function unquoted(etag: string | null): string | undefined {
  return etag?.replaceAll('"', '');
}

export namespace PreviewModel {
  export type Server = Pick<OdhTecAPI, 'getPreview' | 'headObject'>;
}
