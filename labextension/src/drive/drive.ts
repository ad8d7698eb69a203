import type { Contents, ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';

import type { OdhTecAPI } from '../api/api';
import { s3Uri } from '../api/keys';
import { ApiError } from '../api/request';
import { formatSize } from '../format';
import type { IObjectHead, TransferRequest } from '../tokens';
import { DirectoryReader } from './directory';
import { baseName, DRIVE_NAME, isPath, localPath, locationOf } from './documents';
import { contentType, decodeFile, encodeFile, NotEditable } from './filecontent';
import { notFound, responseError, withLabErrors } from './laberrors';

/**
 * Objects as documents of Lab. The ETag is the hash that Lab compares before it saves, so that Lab asks the user when
 * the object was changed by someone else. The store replaces the object only if it has the ETag that Lab knows.
 */
export class S3Drive implements Contents.IDrive {
  constructor(private readonly _options: S3Drive.IOptions) {
    this._directories = new DirectoryReader(_options.server, _options.onTruncated);
  }

  readonly name = DRIVE_NAME;

  get serverSettings(): ServerConnection.ISettings {
    return this._options.serverSettings;
  }

  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  async get(path: string, options: Contents.IFetchOptions = {}): Promise<Contents.IModel> {
    const { key } = locationOf(path);
    const content = options.content !== false;
    return withLabErrors(async () => {
      if (key && options.type !== 'directory') {
        const model = await (content ? this._read(path, options) : this._stat(path));
        if (model || options.type) {
          return model ?? notFound(path);
        }
      }
      return (await this._directories.read(path, content)) ?? notFound(path);
    });
  }

  async getDownloadUrl(path: string): Promise<string> {
    const { bucket, key } = locationOf(path);
    return this._options.server.downloadUrl(bucket, key);
  }

  save(path: string, options: Partial<Contents.IModel> = {}): Promise<Contents.IModel> {
    return withLabErrors(async () => {
      const { bucket, key } = this._writable(path);
      if (options.type === 'directory') {
        await this._options.server.createFolder(bucket, `${key}/`);
        const made = (await this._directories.read(path, false)) ?? notFound(path);
        this._fileChanged.emit({ type: 'new', oldValue: null, newValue: made });
        return made;
      }
      if (options.chunk !== undefined) {
        throw responseError(400, this._trans.__('To upload files, use the Object Storage panel.'));
      }
      return this._store(path, options);
    });
  }

  newUntitled(options: Contents.ICreateOptions = {}): Promise<Contents.IModel> {
    const { path = '', type = 'file', ext = type === 'notebook' ? '.ipynb' : '.txt' } = options;
    return withLabErrors(async () => {
      if (type === 'directory') {
        return this.save(await this._freePath(path, 'Untitled Folder', '', ' '), { type });
      }
      const stem = type === 'notebook' ? 'Untitled' : 'untitled';
      const suffix = ext && !ext.startsWith('.') ? `.${ext}` : ext;
      return type === 'notebook'
        ? this.save(await this._freePath(path, stem, suffix), { type, content: EMPTY_NOTEBOOK })
        : this.save(await this._freePath(path, stem, suffix), {
            type,
            format: 'text',
            content: ''
          });
    });
  }

  rename(path: string, newPath: string): Promise<Contents.IModel> {
    return withLabErrors(async () => {
      const oldValue = (await this._stat(path)) ?? notFound(path);
      const newValue = await this._transfer('move', path, newPath);
      this._known.delete(path);
      this._fileChanged.emit({ type: 'rename', oldValue, newValue });
      return newValue;
    });
  }

  copy(path: string, toDirectory: string): Promise<Contents.IModel> {
    return withLabErrors(async () => {
      const name = baseName(path);
      const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
      const stem = `${name.slice(0, dot)}-Copy`;
      const newPath = await this._freePath(toDirectory, stem, name.slice(dot), '', 1);
      const newValue = await this._transfer('copy', path, newPath);
      this._fileChanged.emit({ type: 'new', oldValue: null, newValue });
      return newValue;
    });
  }

  /** Delete exactly one object or an empty folder. */
  delete(path: string): Promise<void> {
    return withLabErrors(async () => {
      const { server } = this._options;
      const { bucket, key } = this._writable(path);
      const oldValue = (await this._stat(path)) ?? (await this._directories.readEmpty(path));
      if (!oldValue) {
        const why = this._trans.__('%1 does not exist or is not empty.', s3Uri(bucket, key));
        throw responseError(400, why);
      }
      const own = oldValue.type === 'directory' ? `${key}/` : key;
      const outcome = await server.deleteObjects(bucket, { keys: [own], prefixes: [] });
      if ('reply' in outcome && outcome.reply.errors.length) {
        throw responseError(403, outcome.reply.errors[0].Message);
      }
      this._known.set(path, null);
      this._fileChanged.emit({ type: 'delete', oldValue, newValue: null });
    });
  }

  /** Lab creates one after each save. S3 has no checkpoints, and none are listed; versions are up to the bucket. */
  async createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return { id: 'none', last_modified: new Date().toISOString() };
  }

  async listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return [];
  }

  async restoreCheckpoint(): Promise<void> {
    throw responseError(404, this._trans.__('Objects have no checkpoints.'));
  }

  async deleteCheckpoint(): Promise<void> {
    throw responseError(404, this._trans.__('Objects have no checkpoints.'));
  }

  /** Return the object with its bytes, or null if it does not exist. */
  private async _read(
    path: string,
    { type, format }: Contents.IFetchOptions
  ): Promise<Contents.IModel | null> {
    const { server, sizeLimit, showPreview } = this._options;
    const { bucket, key } = locationOf(path);
    let read;
    try {
      read = await server.readObject(bucket, key, sizeLimit());
    } catch (reason) {
      if (ApiError.from(reason).status === 404) {
        this._known.set(path, null);
        return null;
      }
      throw reason;
    }
    if (!read.bytes) {
      showPreview({ bucket, key });
      const why = this._trans.__(
        'The object (%1) exceeds the size limit of editors (%2), so its preview is shown. You can change the limit in the Object Storage settings.',
        formatSize(read.size),
        formatSize(sizeLimit())
      );
      throw responseError(413, why);
    }
    try {
      const file = decodeFile(baseName(path), read.bytes, { type, format });
      this._saved.delete(path);
      return { ...this._model(path, read), ...file };
    } catch (reason) {
      if (reason instanceof NotEditable) {
        showPreview({ bucket, key });
      }
      throw responseError(400, ApiError.from(reason).message);
    }
  }

  /** Return the object without its bytes (one HEAD request), or null if it does not exist. */
  private async _stat(path: string): Promise<Contents.IModel | null> {
    const saved = this._saved.get(path);
    if (saved) {
      // Lab requests the hash of what it has just saved. Another user's later save must not be mistaken for it.
      this._saved.delete(path);
      return saved;
    }
    const { bucket, key } = locationOf(path);
    const head = await this._options.server.headObject(bucket, key);
    if (!head) {
      this._known.set(path, null);
      return null;
    }
    return this._model(path, head);
  }

  private async _store(path: string, options: Partial<Contents.IModel>): Promise<Contents.IModel> {
    const { server } = this._options;
    const { bucket, key } = locationOf(path);
    const known = this._known.get(path) ?? null;
    const content = encodeFile(options as Parameters<typeof encodeFile>[0]);
    const body = new Blob([content], { type: known?.contentType ?? contentType(options) });
    let stored;
    try {
      stored = await server.saveObject(bucket, key, body, known?.etag ?? null);
    } catch (reason) {
      throw ApiError.from(reason).status === 412 ? this._conflict(path, known) : reason;
    }
    // Some stores do not report the ETag of a multipart upload.
    const head = stored.ETag ? null : await server.headObject(bucket, key);
    const model = this._model(path, {
      size: body.size,
      etag: stored.ETag ?? head?.etag ?? null,
      contentType: body.type,
      modified: new Date()
    });
    this._saved.set(path, model);
    this._fileChanged.emit({ type: known ? 'save' : 'new', oldValue: null, newValue: model });
    return model;
  }

  /** The new ETag is only returned by the next request, and Lab then lets the user choose. */
  private _conflict(path: string, known: IObjectHead | null): Error {
    const { bucket, key } = locationOf(path);
    this._saved.delete(path);
    const why = known
      ? this._trans.__(
          '%1 has changed in the store, so nothing was saved. Save again to choose which version to keep.',
          s3Uri(bucket, key)
        )
      : this._trans.__('%1 already exists, so nothing was saved.', s3Uri(bucket, key));
    return responseError(412, why);
  }

  private async _transfer(
    action: 'copy' | 'move',
    path: string,
    newPath: string
  ): Promise<Contents.IModel> {
    const [source, target] = [locationOf(path), this._writable(newPath)];
    if (await this._stat(newPath)) {
      const why = this._trans.__('%1 already exists.', s3Uri(target.bucket, target.key));
      throw responseError(409, why);
    }
    await this._options.transfer({
      action,
      source: s3Uri(source.bucket, source.key),
      target: s3Uri(target.bucket, target.key),
      onConflict: 'fail'
    });
    return (await this._stat(newPath)) ?? notFound(newPath);
  }

  private async _freePath(
    directory: string,
    stem: string,
    suffix: string,
    gap = '',
    first = 0
  ): Promise<string> {
    for (let number = first; ; number++) {
      const name = `${stem}${number ? `${gap}${number}` : ''}${suffix}`;
      const path = directory ? `${directory}/${name}` : name;
      if (!(await this._stat(path)) && !(await this._directories.read(path, false))) {
        return path;
      }
    }
  }

  private _model(path: string, head: IObjectHead): Contents.IModel {
    this._known.set(path, head);
    const modified = (head.modified ?? new Date(0)).toISOString();
    return {
      name: baseName(path),
      path,
      type: path.endsWith('.ipynb') ? 'notebook' : 'file',
      created: modified,
      last_modified: modified,
      mimetype: head.contentType,
      size: head.size,
      writable: true,
      content: null,
      format: null,
      ...(head.etag ? { hash: head.etag, hash_algorithm: 'etag' } : {})
    };
  }

  private _writable(path: string): { bucket: string; key: string } {
    const location = locationOf(path);
    if (!location.key || !isPath(location.key)) {
      const why = this._trans.__('%1 is not a valid document path.', localPath(location));
      throw responseError(400, why);
    }
    return location;
  }

  private get _trans(): TranslationBundle {
    return this._options.trans;
  }

  private readonly _directories: DirectoryReader;
  private readonly _fileChanged = new Signal<this, Contents.IChangedArgs>(this);
  /** The last state of each document reported to Lab; null for a missing one. */
  private readonly _known = new Map<string, IObjectHead | null>();
  /** The result of a save that Lab has not requested yet. */
  private readonly _saved = new Map<string, Contents.IModel>();
  private _isDisposed = false;
}

const EMPTY_NOTEBOOK = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };

export namespace S3Drive {
  export type Server = Pick<
    OdhTecAPI,
    'headObject' | 'readObject' | 'saveObject' | 'createFolder' | 'deleteObjects' | 'downloadUrl'
  > &
    DirectoryReader.Server;

  export interface IOptions {
    server: Server;
    serverSettings: ServerConnection.ISettings;
    /** Start a transfer and wait until it has finished; rejects when it fails. */
    transfer: (what: TransferRequest) => Promise<void>;
    /** The size limit of editors in bytes. */
    sizeLimit: () => number;
    /** Called with an object that no editor can open, before it is refused. */
    showPreview: (object: { bucket: string; key: string }) => void;
    /** Called when a folder was listed only up to this many entries. */
    onTruncated: (path: string, count: number) => void;
    trans: TranslationBundle;
  }
}
