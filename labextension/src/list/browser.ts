import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { parentPrefix } from '../api/keys';
import { ApiError } from '../api/request';
import type { ISearch } from '../tokens';
import { Buckets } from './buckets';
import { Listing } from './listing';
import { BY_NAME, nextOrder, type Column, type IOrder } from './order';
import { RecentLocations } from './recent';
import { Rows, type IRow } from './rows';
import { Search } from './search';
import { Selection } from './selection';
import type { ILocation, IChange, IStorage } from './storage';

export interface IBrowserOptions {
  store: IStorage;
  /** Page size of requests. */
  pageSize: () => number;
}

/**
 * The state of the list: one level of one bucket, or the hits of a search below it. The storage is injected, so it may
 * be any server.
 */
export class BrowserModel implements IDisposable {
  constructor(private readonly _options: IBrowserOptions) {}

  readonly selection = new Selection();
  readonly recent = new RecentLocations();

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get bucket(): string | null {
    return this._listing?.bucket ?? null;
  }

  get prefix(): string {
    return this._listing?.prefix ?? '';
  }

  get buckets(): Buckets {
    return this._buckets;
  }

  /** The search whose hits are shown instead of the folder, if any. */
  get search(): Search | null {
    return this._search;
  }

  /** The rows that are shown and their positions. */
  get list(): Rows {
    return this._search?.rows ?? this._listing?.rows ?? this._noRows;
  }

  get rows(): readonly IRow[] {
    return this.list.shown;
  }

  /** The number of loaded rows, including those the filter hides. */
  get loadedCount(): number {
    return this.list.count;
  }

  get filter(): string {
    return this.list.filter;
  }

  get order(): IOrder {
    return this._order;
  }

  /** Whether the first page of a location is loading. */
  get loading(): boolean {
    return this._starting || (this._search === null && (this._listing?.loading ?? false));
  }

  get loadingMore(): boolean {
    return this._search?.running ?? this._listing?.loadingMore ?? false;
  }

  /** Whether all rows of the folder are being loaded. */
  get loadingAll(): boolean {
    return this._search === null && (this._listing?.loadingAll ?? false);
  }

  get hasMore(): boolean {
    return this._search?.hasMore ?? this._listing?.hasMore ?? false;
  }

  /** Why there is nothing to show, or why loading the next page failed. */
  get error(): ApiError | null {
    return this._error ?? (this._search ?? this._listing)?.error ?? null;
  }

  /** In the order shown. Computed from the selection, not from all rows. */
  get selectedRows(): IRow[] {
    const { list } = this;
    const indices = Array.from(this.selection.keys, key => list.indexOf(key));
    return indices.sort((a, b) => a - b).flatMap(index => list.shown[index] ?? []);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort?.abort();
    this._listing?.stop();
    this._search?.cancel();
    Signal.clearData(this);
  }

  /**
   * Read the buckets, then open the default one, else the remembered location, else the first bucket. A location
   * without a bucket names a folder in the bucket that is opened.
   */
  async start(remembered?: ILocation): Promise<void> {
    this._remembered = remembered ?? this._remembered;
    const signal = this._startRequest();
    this._starting = true;
    this._changed();
    try {
      await this._readBuckets(signal);
    } catch (reason) {
      if (!signal.aborted) {
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

  /** Show a level. Pending replies for other locations are ignored. */
  async open(bucket: string, prefix = '', focus: string | null = null): Promise<void> {
    this._startRequest();
    this._starting = false;
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
    this._started = false;
    this._buckets = new Buckets();
    const { bucket, prefix } = this;
    this._remembered = bucket === null ? this._remembered : { bucket, prefix };
    this._listing?.stop();
    this._listing = null;
    this._leaveSearch();
    await this.start();
  }

  async loadMore(): Promise<void> {
    await (this._search ? this._search.run() : this._listing?.loadMore());
  }

  /** Load all rows of the folder, unless stopped. */
  async loadAll(): Promise<void> {
    await this._listing?.loadAll();
  }

  /** Stop a search, or loading all rows. */
  stop(): void {
    this._search?.cancel();
    this._listing?.stopLoadingAll();
  }

  setFilter(filter: string): void {
    if (filter !== this.filter || this._search) {
      this._leaveSearch();
      this._listing?.rows.setFilter(filter);
      this.selection.retain(this.list);
      this._changed();
    }
  }

  /** Sort by a column; a second time, in reverse order. */
  sortBy(column: Column): void {
    this._order = nextOrder(this._order, column);
    this._listing?.rows.setOrder(this._order);
    this._search?.rows.setOrder(this._order);
    this._changed();
  }

  /** Search for objects in the store, below the open folder. */
  async startSearch(what: ISearch): Promise<void> {
    if (!this._listing || !what.q) {
      return;
    }
    const { bucket, prefix } = this._listing;
    this._listing.rows.setFilter('');
    this._leaveSearch();
    this.selection.reset();
    const search = new Search({
      ...this._options,
      bucket,
      prefix,
      what,
      order: this._order,
      onChanged: () => this._search === search && this._changed()
    });
    this._search = search;
    await search.run();
  }

  /** Close the search and show the folder. */
  endSearch(): void {
    if (this._search) {
      this._leaveSearch();
      this.selection.reset();
      this._changed();
    }
  }

  /** The key of the row that is being renamed. */
  get renaming(): string | null {
    return this._renaming;
  }

  setRenaming(key: string | null): void {
    this._renaming = key;
    if (key !== null) {
      this.selection.only(key);
    }
    this._changed();
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

  /** Select these rows, loading more of the list if necessary. */
  async selectKeys(keys: readonly string[]): Promise<void> {
    const listing = this._listing;
    const before = this.selection.keys;
    await listing?.whenLoaded();
    for (const key of keys) {
      if (!this.list.has(key)) {
        await listing?.loadUntil(key);
      }
    }
    if (listing === this._listing && keys.some(key => !this.list.has(key))) {
      // An object may have been written after the list was read.
      await listing?.reloadInBackground();
    }
    if (this._isUnchanged(listing, before)) {
      const shown = keys.filter(key => this.list.indexOf(key) >= 0);
      this.select(selection => selection.set(shown));
    }
  }

  /** Limit the number of selected rows. */
  setSelectionLimit(limit: number): void {
    if (limit !== this.selection.limit) {
      this.select(selection => selection.setLimit(limit, this.list));
    }
  }

  /** Change the selection and notify the views. */
  select(change: (selection: Selection) => void): void {
    change(this.selection);
    this._changed();
  }

  /** Remove rows that no longer exist from the list, and from the folder behind a search's hits. */
  removeRows(keys: readonly string[]): void {
    const { list } = this;
    this._listing?.rows.remove(list === this._listing.rows ? [] : keys);
    if (!keys.some(key => list.has(key))) {
      return;
    }
    const at = list.indexOf(this.selection.active);
    const before = { shown: list.shown, indexOf: () => at };
    list.remove(keys);
    this.selection.retain(list, before);
    this._changed();
  }

  /** Return whether a change below this prefix may be visible. */
  shows(bucket: string, prefix: string): boolean {
    return (
      bucket === this.bucket && (prefix.startsWith(this.prefix) || this.prefix.startsWith(prefix))
    );
  }

  private _startRequest(): AbortSignal {
    this._abort?.abort();
    this._abort = new AbortController();
    this._error = null;
    return this._abort.signal;
  }

  private async _readBuckets(signal: AbortSignal): Promise<void> {
    const list = await this._options.store.listBuckets(signal);
    if (!signal.aborted) {
      this._buckets = new Buckets(list);
      this._changed();
    }
  }

  private async _searchAgain(): Promise<void> {
    if (this._search) {
      await this.startSearch(this._search.what);
    }
  }

  private _leaveSearch(): void {
    const search = this._search;
    this._search = null;
    search?.cancel();
  }

  private _replaced(listing: Listing, before: Rows): void {
    if (listing === this._listing && !this._search) {
      this.selection.retain(listing.rows, before);
    }
  }

  private async _focusOn(
    listing: Listing,
    key: string | null,
    before: ReadonlySet<string>
  ): Promise<void> {
    if (key === null) {
      return;
    }
    await listing.loadUntil(key);
    if (this._isUnchanged(listing, before) && !this._search && listing.rows.indexOf(key) >= 0) {
      this.select(selection => selection.only(key));
    }
  }

  /** Return whether the user has neither opened another folder nor selected rows that were not selected `before`. */
  private _isUnchanged(listing: Listing | null, before: ReadonlySet<string>): boolean {
    return listing === this._listing && [...this.selection.keys].every(key => before.has(key));
  }

  private _changed(): void {
    this._stateChanged.emit();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _noRows = new Rows('');
  private _remembered: ILocation | undefined;
  private _started = false;
  private _starting = false;
  private _isDisposed = false;
  private _buckets = new Buckets();
  private _listing: Listing | null = null;
  private _search: Search | null = null;
  private _order: IOrder = BY_NAME;
  private _renaming: string | null = null;
  private _isEditingPath = false;
  private _error: ApiError | null = null;
  private _abort: AbortController | null = null;
}
