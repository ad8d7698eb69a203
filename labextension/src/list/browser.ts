import { bucketAddress, connectionOf, named, splitBucket } from '../api/bucketaddress';
import { parentPrefix } from '../api/keys';
import { ApiError } from '../api/request';
import { Buckets } from './buckets';
import { Listing } from './listing';
import { ListModel } from './listmodel';
import { RecentLocations } from './recent';
import type { ILocation, IChange } from './storage';

/**
 * A browser of object storage: its buckets, the location that is open, and the list there. The storage is injected, so
 * it may be any server.
 */
export class BrowserModel extends ListModel {
  readonly recent = new RecentLocations();

  /** The buckets of the open connection. */
  get buckets(): Buckets {
    return this._buckets;
  }

  /** The name of the open connection, also if none of its buckets is open; empty for the default one. */
  get connection(): string {
    return this._connection;
  }

  /** Whether the first page of a location is loading, or the buckets before it. */
  override get loading(): boolean {
    return this._starting || super.loading;
  }

  /** Why there is nothing to show, or why loading the next page failed. */
  override get error(): ApiError | null {
    return this._error ?? super.error;
  }

  override dispose(): void {
    this._abort?.abort();
    super.dispose();
  }

  /**
   * Read the buckets, then open the default one, else the remembered location, else the first bucket. A location
   * without a bucket names a folder in the bucket that is opened.
   */
  async start(remembered?: ILocation): Promise<void> {
    this._remembered = remembered ?? this._remembered;
    if (this._remembered?.bucket) {
      this._connection = connectionOf(this._remembered.bucket);
    }
    const signal = this._startRequest();
    this._starting = true;
    this._changed();
    try {
      await this._readBuckets(signal);
    } catch (reason) {
      if (!signal.aborted) {
        if (this._connection && ApiError.from(reason).code === 'NoSuchConnection') {
          // It was added until the server stopped, or is not configured any more.
          await this._leaveConnection();
          return;
        }
        this._starting = false;
        this._error = ApiError.from(reason);
        this._changed();
      }
      return;
    }
    if (signal.aborted) {
      return;
    }
    this._started = true;
    this._starting = false;
    const last = this._remembered;
    const bucket = this._buckets.preferred(last?.bucket);
    if (bucket) {
      await this.open(bucket, last && ['', bucket].includes(last.bucket) ? last.prefix : '');
    } else {
      this._changed();
    }
  }

  /** Open this location, whatever the default is: for a second browser. */
  async startAt({ bucket, prefix }: ILocation): Promise<void> {
    this._started = true;
    const opened = this.open(bucket, prefix);
    // Do not wait for the list of buckets, and ignore its errors.
    void this._readBuckets(this._abort!.signal).catch(() => undefined);
    await opened;
  }

  /**
   * Show another connection: the location that was last open in it, else its default bucket. Pending replies of the
   * previous connection are ignored.
   */
  async openConnection(name: string): Promise<void> {
    const connection = named(name);
    if (connection === this._connection) {
      return;
    }
    this._startRequest();
    this._clear();
    this._connection = connection;
    this._remembered = undefined;
    const last = this._last.get(connection);
    await (last ? this.startAt(last) : this.start());
  }

  /** Show a level. Pending replies for other locations are ignored. */
  async open(address: string, prefix = '', focus: string | null = null): Promise<void> {
    const signal = this._startRequest();
    this._starting = false;
    const bucket = bucketAddress(splitBucket(address));
    if (connectionOf(bucket) !== this._connection) {
      this._connection = connectionOf(bucket);
      this._buckets = new Buckets();
      this._started = true;
      // The list of the location reports what is wrong with the connection.
      void this._readBuckets(signal).catch(() => undefined);
    }
    const { store, pageSize } = this._options;
    const listing = new Listing({
      store,
      bucket,
      prefix,
      pageSize,
      order: this._order,
      onChanged: () => this._changed(),
      onReplaced: before => this._replaced(listing, before)
    });
    this._listing?.stop();
    this._listing = listing;
    this._leaveSearch();
    this._renaming = null;
    this.selection.reset();
    const before = this.selection.keys;
    await listing.load();
    if (listing !== this._listing) {
      return;
    }
    if (!listing.error) {
      this._last.set(this._connection, { bucket, prefix });
      this.recent.add({ bucket, prefix });
      this._changed();
    }
    await this._focusOn(listing, focus, before);
  }

  /** Open what a URI names: a folder, with or without its slash, or an object in its folder. */
  async openLocation(bucket: string, path: string): Promise<void> {
    if (path === '' || path.endsWith('/')) {
      await this.open(bucket, path);
      return;
    }
    const signal = this._startRequest();
    const below = await this._options.store
      .listObjects(bucket, `${path}/`, { maxKeys: 1, signal })
      // Opening it reports the error.
      .catch(() => null);
    if (signal.aborted) {
      return;
    }
    const isFolder = below === null || below.objects.length + below.prefixes.length > 0;
    await (isFolder ? this.open(bucket, `${path}/`) : this.open(bucket, parentPrefix(path), path));
  }

  async up(): Promise<void> {
    if (this._search) {
      this.endSearch();
    } else if (this.bucket !== null && this.prefix !== '') {
      await this.open(this.bucket, parentPrefix(this.prefix), this.prefix);
    }
  }

  /** Reload the location and keep the selection. The old rows stay until the new ones have arrived. */
  async refresh(focus: string | null = null): Promise<void> {
    const listing = this._listing;
    if (!this._started || !listing) {
      await this.start();
      return;
    }
    const signal = this._startRequest();
    const before = this.selection.keys;
    // The listing reports the error; do not report another one for the list of buckets.
    const buckets = this._readBuckets(signal).catch(() => undefined);
    await Promise.all([buckets, listing.reload(), this._searchAgain()]);
    await this._focusOn(listing, focus, before);
  }

  /**
   * Update the list after a change in the store. Rows of `gone` are removed even from pages that are not reloaded; a
   * renamed row keeps the focus.
   */
  async refreshInBackground({ gone, renamed }: IChange = {}): Promise<void> {
    const listing = this._listing;
    const follows = renamed && this.selection.active === renamed.from;
    this.removeRows(gone ?? []);
    const before = this.selection.keys;
    await listing?.reloadInBackground();
    if (follows && this._isUnchanged(listing, before) && this.list.has(renamed.to)) {
      this.select(selection => selection.only(renamed.to));
    }
  }

  /** Reload everything after the connection has changed, and open the default bucket if none is open. */
  async reconnect(): Promise<void> {
    const { bucket, prefix } = this;
    this._remembered = bucket === null ? this._remembered : { bucket, prefix };
    this._clear();
    await this.start();
  }

  /** Forget what is known of a connection that does not exist any more, or is another one now. */
  async connectionRemoved(name: string): Promise<void> {
    this._last.delete(named(name));
    this.recent.remove(({ bucket }) => connectionOf(bucket) === named(name));
    if (this._connection === named(name)) {
      await this._leaveConnection();
    }
  }

  /** Whether the user is entering a path. */
  get isEditingPath(): boolean {
    return this._isEditingPath;
  }

  setEditingPath(typing: boolean): void {
    if (typing !== this._isEditingPath) {
      this._isEditingPath = typing;
      this._changed();
    }
  }

  private _startRequest(): AbortSignal {
    this._abort?.abort();
    this._abort = new AbortController();
    this._error = null;
    return this._abort.signal;
  }

  /** Open the default connection in place of one that does not exist any more. */
  private async _leaveConnection(): Promise<void> {
    this._last.delete(this._connection);
    await this.openConnection('');
  }

  /** Show nothing, before another connection or another state of this one is read. */
  private _clear(): void {
    this._started = false;
    this._buckets = new Buckets();
    this._listing?.stop();
    this._listing = null;
    this._leaveSearch();
    this._renaming = null;
    this._isEditingPath = false;
    this.selection.reset();
  }

  private async _readBuckets(signal: AbortSignal): Promise<void> {
    const list = await this._options.store.listBuckets(signal, this._connection);
    if (!signal.aborted) {
      this._buckets = new Buckets(list);
      this._changed();
    }
  }

  private _remembered: ILocation | undefined;
  private _connection = '';
  /** The last location of each connection in this session. */
  private readonly _last = new Map<string, ILocation>();
  private _started = false;
  private _starting = false;
  private _buckets = new Buckets();
  private _isEditingPath = false;
  private _error: ApiError | null = null;
  private _abort: AbortController | null = null;
}
