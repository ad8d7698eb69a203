import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError } from '../api/request';
import type { BucketList, ObjectList } from '../tokens';
import { LatestRequest } from './formmodel';

const PAGE_SIZE = 1000;
/**
 * A folder may contain many files and no folders: stop looking for folders after this many pages, until the user
 * continues.
 */
const MAX_PAGES = 5;
const TYPING_DELAY_MS = 300;

/** A folder of a bucket, chosen by browsing or by entering its path; it need not exist. */
export class FolderChooser implements IDisposable {
  constructor(private readonly _options: FolderChooser.IOptions) {
    this._bucket = _options.bucket;
    this._prefix = _options.prefix;
    void this._load(0);
    void this._readBuckets();
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get bucket(): string {
    return this._bucket;
  }

  /** Empty, or with a slash at its end. */
  get prefix(): string {
    return this._prefix;
  }

  /** The path as entered. */
  get text(): string {
    return this._text ?? this._prefix;
  }

  get buckets(): readonly string[] {
    return this._buckets;
  }

  /** The prefixes of the folders in it. */
  get folders(): readonly string[] {
    return this._folders;
  }

  /** Whether there may be more folders. */
  get hasMore(): boolean {
    return this._token !== null;
  }

  get loading(): boolean {
    return this._loading;
  }

  /** Whether the folder does not exist yet, as far as is known. */
  get isNew(): boolean {
    return !this._loading && !this._error && this._isEmpty && this._prefix !== '';
  }

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

  open(bucket: string, prefix: string): void {
    this._text = null;
    this._go(bucket, prefix, 0);
  }

  typeBucket(bucket: string): void {
    this._text = null;
    this._go(bucket, '', TYPING_DELAY_MS);
  }

  type(text: string): void {
    this._text = text;
    // Use the key exactly as entered, except for the slash at the end of a folder.
    this._go(this._bucket, text && !text.endsWith('/') ? `${text}/` : text, TYPING_DELAY_MS);
  }

  async loadMore(): Promise<void> {
    if (!this._loading && this.hasMore) {
      await this._read(this._requests.next());
    }
  }

  /** Create a folder in the one that is shown, and open it. */
  async create(name: string): Promise<void> {
    const bucket = this._bucket;
    const prefix = `${this._prefix}${name.replace(/(?<!\/)\/+$/, '')}/`;
    try {
      await this._options.server.createFolder(bucket, prefix);
    } catch (reason) {
      this._error = ApiError.from(reason);
      this._changed();
      return;
    }
    if (!this.isDisposed) {
      this.open(bucket, prefix);
    }
  }

  private _go(bucket: string, prefix: string, wait: number): void {
    this._bucket = bucket;
    this._prefix = prefix;
    this._folders = [];
    this._token = null;
    void this._load(wait);
  }

  private async _load(wait: number): Promise<void> {
    const signal = this._requests.next();
    this._error = null;
    this._folders = [];
    this._isEmpty = true;
    this._token = null;
    this._loading = true;
    this._changed();
    await this._options.sleep(wait, signal);
    if (!signal.aborted && this._bucket) {
      await this._read(signal);
    }
  }

  private async _read(signal: AbortSignal): Promise<void> {
    this._loading = true;
    this._error = null;
    this._changed();
    try {
      const before = this._folders.length;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const { prefixes, objects, nextContinuationToken } = await this._options.server.listObjects(
          this._bucket,
          this._prefix,
          { maxKeys: PAGE_SIZE, continuationToken: this._token ?? undefined, signal }
        );
        if (signal.aborted) {
          return;
        }
        // Some servers repeat a common prefix on the next page.
        this._folders = [...new Set([...this._folders, ...prefixes.map(({ Prefix }) => Prefix)])];
        this._isEmpty &&= !this._folders.length && !objects.length;
        this._token = nextContinuationToken;
        if (this._token === null || this._folders.length > before) {
          break;
        }
      }
    } catch (reason) {
      if (signal.aborted) {
        return;
      }
      this._error = ApiError.from(reason);
    }
    this._loading = false;
    this._changed();
  }

  private async _readBuckets(): Promise<void> {
    try {
      const { buckets } = await this._options.server.listBuckets(this._closed.signal);
      this._buckets = buckets.map(({ Name }) => Name);
      this._changed();
    } catch {
      // The user can still enter the name of a bucket.
    }
  }

  private _changed(): void {
    if (!this.isDisposed) {
      this._stateChanged.emit();
    }
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _closed = new AbortController();
  private readonly _requests = new LatestRequest(this._closed.signal);
  private _bucket: string;
  private _prefix: string;
  private _text: string | null = null;
  private _buckets: readonly string[] = [];
  private _folders: readonly string[] = [];
  private _isEmpty = true;
  private _token: string | null = null;
  private _loading = false;
  private _error: ApiError | null = null;
}

export namespace FolderChooser {
  export interface IServer {
    listBuckets(signal?: AbortSignal): Promise<BucketList>;
    listObjects(
      bucket: string,
      prefix: string,
      options: { maxKeys?: number; continuationToken?: string; signal?: AbortSignal }
    ): Promise<ObjectList>;
    createFolder(bucket: string, prefix: string): Promise<unknown>;
  }

  export interface IOptions {
    server: IServer;
    bucket: string;
    prefix: string;
    sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  }
}
