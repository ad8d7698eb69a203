import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Upload, UploadList } from '../tokens';

/** Uploads that the server has the beginning of, and that no page sends: after a reload, a crash, on another day. */
export class UnfinishedModel implements IDisposable {
  constructor(private readonly _options: UnfinishedModel.IOptions) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Newest first. */
  get uploads(): readonly Upload[] {
    // What this page sends has a row of its own.
    return this._uploads.filter(({ uploadId }) => !this._options.isOwn(uploadId));
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Ask the server again. Of several at once, the latest answer counts. */
  async refresh(): Promise<void> {
    const number = ++this._requestNumber;
    try {
      const { uploads } = await this._options.server.listUploads();
      const locked = await this._options.locked();
      if (number === this._requestNumber) {
        this._uploads = uploads.filter(({ uploadId }) => !locked.has(uploadId));
        this._stateChanged.emit();
      }
    } catch {
      // The listing tells what is wrong; what was known stays.
    }
  }

  async discard(id: string): Promise<void> {
    await this._options.server.abortUpload(id);
    this._uploads = this._uploads.filter(({ uploadId }) => uploadId !== id);
    this._stateChanged.emit();
    await this.refresh();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private _uploads: readonly Upload[] = [];
  private _requestNumber = 0;
  private _isDisposed = false;
}

export namespace UnfinishedModel {
  export interface IOptions {
    server: {
      listUploads(): Promise<UploadList>;
      abortUpload(id: string): Promise<void>;
    };
    /** Whether this page has the upload in a row. */
    isOwn: (id: string) => boolean;
    /** Those that some page sends at this moment. */
    locked: () => Promise<ReadonlySet<string>>;
  }
}

/** What tells a file from the one whose upload was interrupted; null when nothing does. */
export type FileMismatch = 'name' | 'size' | 'changed';

export function fileMismatch(upload: Upload, file: File): FileMismatch | null {
  const name = upload.key.slice(upload.key.lastIndexOf('/') + 1);
  // An upload that keeps both has a number before its extension.
  if (file.name !== name && file.name !== name.replace(/ \(\d+\)(?=(\.[^.]*)?$)/, '')) {
    return 'name';
  }
  if (file.size !== upload.size) {
    return 'size';
  }
  // Half of the old content and half of the new would be neither.
  return upload.lastModified === file.lastModified ? null : 'changed';
}
