import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { ApiError } from '../api/request';
import type { ISearch } from '../tokens';
import type { Listing } from './listing';
import { BY_NAME, nextOrder, type Column, type IOrder } from './order';
import { Rows, type IRow } from './rows';
import { Search } from './search';
import { Selection } from './selection';
import type { IStorage } from './storage';

export interface IListOptions {
  store: IStorage;
  /** Page size of requests. */
  pageSize: () => number;
}

/** What the list shows: one level of one bucket, or the hits of a search below it; and its filter, order and selection. */
export abstract class ListModel implements IDisposable {
  constructor(protected readonly _options: IListOptions) {}

  readonly selection = new Selection();

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get bucket(): string | null {
    return this._listing?.bucket ?? null;
  }

  get prefix(): string {
    return this._listing?.prefix ?? '';
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

  /** Whether the first page is loading. */
  get loading(): boolean {
    return this._search === null && (this._listing?.loading ?? false);
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
    return (this._search ?? this._listing)?.error ?? null;
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
    this._listing?.stop();
    this._search?.cancel();
    Signal.clearData(this);
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

  protected async _searchAgain(): Promise<void> {
    if (this._search) {
      await this.startSearch(this._search.what);
    }
  }

  protected _leaveSearch(): void {
    const search = this._search;
    this._search = null;
    search?.cancel();
  }

  protected _replaced(listing: Listing, before: Rows): void {
    if (listing === this._listing && !this._search) {
      this.selection.retain(listing.rows, before);
    }
  }

  protected async _focusOn(
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
  protected _isUnchanged(listing: Listing | null, before: ReadonlySet<string>): boolean {
    return listing === this._listing && [...this.selection.keys].every(key => before.has(key));
  }

  protected _changed(): void {
    this._stateChanged.emit();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _noRows = new Rows('');
  private _isDisposed = false;
  protected _listing: Listing | null = null;
  protected _search: Search | null = null;
  protected _order: IOrder = BY_NAME;
  protected _renaming: string | null = null;
}
