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
  /** Rows of one request. */
  pageSize: () => number;
}

/** What is shown: one level of one bucket, or a search's hits below it. The storage is handed in: it may be any server. */
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

  /** What was looked for, while its hits are shown in the place of the folder. */
  get search(): Search | null {
    return this._search;
  }

  /** The list that is shown, with the places of its rows. */
  get list(): Rows {
    return this._search?.rows ?? this._listing?.rows ?? this._noRows;
  }

  get rows(): readonly IRow[] {
    return this.list.shown;
  }

  /** How many rows are loaded, whether the filter shows them or not. */
  get loadedCount(): number {
    return this.list.count;
  }

  get filter(): string {
    return this.list.filter;
  }

  get order(): IOrder {
    return this._order;
  }

  /** The first page of a place is on its way. */
  get loading(): boolean {
    return this._starting || (this._search === null && (this._listing?.loading ?? false));
  }

  get loadingMore(): boolean {
    return this._search?.running ?? this._listing?.loadingMore ?? false;
  }

  /** All rows of the folder are being read. */
  get loadingAll(): boolean {
    return this._search === null && (this._listing?.loadingAll ?? false);
  }

  get hasMore(): boolean {
    return this._search?.hasMore ?? this._listing?.hasMore ?? false;
  }

  /** Why there is nothing to show, or why the next page did not come. */
  get error(): ApiError | null {
    return this._error ?? (this._search ?? this._listing)?.error ?? null;
  }

  /** In the order in which they are shown; found from what is selected, not from all rows. */
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
   * Read the buckets, then open the default one, else the remembered place, else the first of the list. The folder of a
   * place without a bucket is one of whichever that is.
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

  /** Open this place and no other, whatever the default is: for a second browser. */
  async startAt({ bucket, prefix }: ILocation): Promise<void> {
    this._started = true;
    const opened = this.open(bucket, prefix);
    // The place does not wait for the list of buckets, and what is wrong with that is no trouble of the place.
    void this._readBuckets(this._abort!.signal).catch(() => undefined);
    await opened;
  }

  /** Show a level. An answer that is still out for another place is dropped. */
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

  /** Show what a URI names: a folder, with or without its slash, or an object in its folder. */
  async openLocation(bucket: string, path: string): Promise<void> {
    if (path === '' || path.endsWith('/')) {
      await this.open(bucket, path);
      return;
    }
    const signal = this._startRequest();
    const below = await this._options.store
      .listObjects(bucket, `${path}/`, { maxKeys: 1, signal })
      // Opening it says what is wrong.
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

  /** Read the place again, keeping what is selected; the old rows stay until the new ones are there. */
  async refresh(focus: string | null = null): Promise<void> {
    const listing = this._listing;
    if (!this._started || !listing) {
      await this.start();
      return;
    }
    const signal = this._startRequest();
    const before = this.selection.keys;
    // The listing tells what is wrong; a list of buckets that cannot be renewed is no second error.
    const buckets = this._readBuckets(signal).catch(() => undefined);
    await Promise.all([buckets, listing.reload(), this._searchAgain()]);
    await this._focusOn(listing, focus, before);
  }

  /**
   * What was changed at the store is shown in place. The row of `gone` leaves even a page that is not read again; one that
   * has another key now keeps the focus.
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

  /** Read the buckets again, and open the default one when nothing is open: after the connection changed. */
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

  /** Read the folder to its end, unless that is stopped. */
  async loadAll(): Promise<void> {
    await this._listing?.loadAll();
  }

  /** Stop what goes on in the list: a search, or the reading of all of it. */
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

  /** Sort by a column, or the other way round when it is sorted by it already. */
  sortBy(column: Column): void {
    this._order = nextOrder(this._order, column);
    this._listing?.rows.setOrder(this._order);
    this._search?.rows.setOrder(this._order);
    this._changed();
  }

  /** Look for objects in the store, below the folder that is open. */
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

  /** Back to the folder. */
  endSearch(): void {
    if (this._search) {
      this._leaveSearch();
      this.selection.reset();
      this._changed();
    }
  }

  /** The row whose name is being changed. */
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

  /** The way to the folder is being typed. */
  get isEditingPath(): boolean {
    return this._isEditingPath;
  }

  setEditingPath(typing: boolean): void {
    if (typing !== this._isEditingPath) {
      this._isEditingPath = typing;
      this._changed();
    }
  }

  /** Select these rows, as far as the list has them or gets to them by reading on. */
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
      // Whoever has just written an object names it before this list has it.
      await listing?.reloadInBackground();
    }
    if (this._isUnchanged(listing, before)) {
      const shown = keys.filter(key => this.list.indexOf(key) >= 0);
      this.select(selection => selection.set(shown));
    }
  }

  /** How many rows may be selected. */
  setSelectionLimit(limit: number): void {
    if (limit !== this.selection.limit) {
      this.select(selection => selection.setLimit(limit, this.list));
    }
  }

  /** Change the selection and tell the views. */
  select(change: (selection: Selection) => void): void {
    change(this.selection);
    this._changed();
  }

  /** Rows that are known to be gone leave the list at once, and the folder behind a search's hits. */
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

  /** Whether a change below this prefix can be seen where we are. */
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

  /** Whoever has gone on, or selected something that was not selected `before`, is not pulled back. */
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
