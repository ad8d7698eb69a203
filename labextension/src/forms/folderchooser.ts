import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { bucketAddress, connectionOf, named, splitBucket } from '../api/bucketaddress';
import { ApiError } from '../api/request';
import type { BucketList, ConnectionSummary, ObjectList } from '../tokens';
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

  /** Its address. Its name is empty while a connection is chosen and no bucket. */
  get bucket(): string {
    return this._bucket;
  }

  /** The name of its connection; empty for the default one. */
  get connection(): string {
    return connectionOf(this._bucket);
  }

  /** The name of the bucket in its connection. */
  get bucketName(): string {
    return splitBucket(this._bucket).bucket;
  }

  /** The connections to choose from. */
  get connections(): readonly ConnectionSummary[] {
    return this._options.connections ?? [];
  }

  /** Empty, or with a slash at its end. */
  get prefix(): string {
    return this._prefix;
  }

  /** The path as entered. */
  get text(): string {
    return this._text ?? this._prefix;
  }

  /** The names of the known buckets in the connection. */
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

  /** Choose another connection: its default bucket, if it has one. */
  chooseConnection(name: string): void {
    if (named(name) !== this.connection) {
      const found = this.connections.find(connection => named(connection.name) === named(name));
      const bucket = found?.defaultBucket ?? '';
      this.open(bucketAddress({ connection: name, bucket }), '');
    }
  }

  /** Enter the name of a bucket in the connection, or its address in any. */
  typeBucket(text: string): void {
    const { connection } = this;
    this._text = null;
    const bucket = text.includes('@') ? splitBucket(text) : { connection, bucket: text };
    this._go(bucketAddress(bucket), '', TYPING_DELAY_MS);
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
    const isElsewhere = connectionOf(bucket) !== this.connection;
    this._bucket = bucket;
    this._prefix = prefix;
    this._folders = [];
    this._token = null;
    if (isElsewhere) {
      this._buckets = [];
      void this._readBuckets();
    }
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
    if (!signal.aborted && this.bucketName) {
      await this._read(signal);
    } else if (!signal.aborted) {
      this._loading = false;
      this._changed();
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
    const { connection } = this;
    try {
      const { buckets } = await this._options.server.listBuckets(this._closed.signal, connection);
      if (connection === this.connection) {
        this._buckets = buckets.map(({ Name }) => splitBucket(Name).bucket);
        this._changed();
      }
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
    listBuckets(signal?: AbortSignal, connection?: string): Promise<BucketList>;
    listObjects(
      bucket: string,
      prefix: string,
      options: { maxKeys?: number; continuationToken?: string; signal?: AbortSignal }
    ): Promise<ObjectList>;
    createFolder(bucket: string, prefix: string): Promise<unknown>;
  }

  export interface IOptions {
    server: IServer;
    /** The connections to choose from; none if there is no choice. */
    connections?: readonly ConnectionSummary[];
    bucket: string;
    prefix: string;
    sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  }
}
