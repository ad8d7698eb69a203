import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { connectionOf } from '../api/bucketaddress';
import type { Upload, UploadList } from '../tokens';

/** Uploads that the server has started and no page continues, for example after a reload or a crash. */
export class UnfinishedModel implements IDisposable {
  constructor(private readonly _options: UnfinishedModel.IOptions) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Newest first. */
  get uploads(): readonly Upload[] {
    // Uploads of this page have their own rows.
    return this._uploads.filter(({ uploadId }) => !this._options.isOwn(uploadId));
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Reload the list. The latest of several requests wins. */
  async refresh(): Promise<void> {
    const number = ++this._requestNumber;
    try {
      const uploads = await this._readUploads();
      const locked = await this._options.locked();
      if (number === this._requestNumber) {
        this._uploads = uploads.filter(({ uploadId }) => !locked.has(uploadId));
        this._stateChanged.emit();
      }
    } catch {
      // The listing reports the error; keep the old list.
    }
  }

  /** Read the uploads to all connections. Where they cannot be read, the old ones stay. */
  private async _readUploads(): Promise<Upload[]> {
    const { server, connections } = this._options;
    const before = this._uploads;
    const of = async (connection: string) => {
      try {
        return (await server.listUploads(undefined, connection)).uploads;
      } catch {
        return before.filter(({ bucket }) => connectionOf(bucket) === connection);
      }
    };
    const found = (await Promise.all(connections().map(of))).flat();
    return found.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
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
      listUploads(signal?: AbortSignal, connection?: string): Promise<UploadList>;
      abortUpload(id: string): Promise<void>;
    };
    /** Return the names of the connections that can be used; the default one is empty. */
    connections: () => readonly string[];
    /** Return whether this page shows the upload in a row. */
    isOwn: (id: string) => boolean;
    /** Return the uploads that some page is sending. */
    locked: () => Promise<ReadonlySet<string>>;
  }
}

/** How a file differs from the one whose upload was interrupted; null if it does not. */
export type FileMismatch = 'name' | 'size' | 'changed';

export function fileMismatch(upload: Upload, file: File): FileMismatch | null {
  const name = upload.key.slice(upload.key.lastIndexOf('/') + 1);
  // An upload that kept both has a number before its extension.
  if (file.name !== name && file.name !== name.replace(/ \(\d+\)(?=(\.[^.]*)?$)/, '')) {
    return 'name';
  }
  if (file.size !== upload.size) {
    return 'size';
  }
  // Parts of the old and the new content must not be combined.
  return upload.lastModified === file.lastModified ? null : 'changed';
}
