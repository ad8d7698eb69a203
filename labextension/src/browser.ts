import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { Buckets } from './buckets';
import { parentPrefix } from './keys';
import { ApiError } from './request';
import { Rows, type IRow } from './rows';
import { Selection } from './selection';
import type { IPlace, IRemoved, IStorage } from './storage';
import type { BucketList, ObjectList } from './tokens';

export interface IBrowserOptions {
  store: IStorage;
  /** Rows of one request. */
  pageSize: () => number;
}

/** A refresh re-reads what was loaded, but not a list that took minutes of scrolling to load. */
const MAX_REFRESH_PAGES = 5;

/** What is shown: one level of one bucket. The storage is handed in, so that it may be any server. */
export class BrowserModel implements IDisposable {
  constructor(options: IBrowserOptions) {
    this._store = options.store;
    this._pageSize = options.pageSize;
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get bucket(): string | null {
    return this._bucket;
  }

  get prefix(): string {
    return this._prefix;
  }

  get buckets(): Buckets {
    return this._buckets;
  }

  get rows(): readonly IRow[] {
    this._shown ??= this._rows.matching(this._filter);
    return this._shown;
  }

  /** How many rows are loaded, whether the filter shows them or not. */
  get loadedCount(): number {
    return this._rows.count;
  }

  get filter(): string {
    return this._filter;
  }

  /** The first page of a place is on its way. */
  get loading(): boolean {
    return this._loading;
  }

  get loadingMore(): boolean {
    return this._loadingMore;
  }

  get hasMore(): boolean {
    return this._rows.nextToken !== null;
  }

  /** Why there is nothing to show, or why the next page did not come. */
  get error(): ApiError | null {
    return this._error;
  }

  get selection(): Selection {
    return this._selection;
  }

  get selectedRows(): IRow[] {
    return this.rows.filter(row => this._selection.has(row.key));
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort?.abort();
    Signal.clearData(this);
  }

  /** Read the buckets, then open the default one, else the remembered place, else the first of the list. */
  async start(remembered?: IPlace): Promise<void> {
    this._remembered = remembered ?? this._remembered;
    const signal = this._begin();
    try {
      this._takeBuckets(await this._store.listBuckets(signal), signal);
    } catch (reason) {
      this._fail(reason, signal);
      return;
    }
    if (signal.aborted) {
      return;
    }
    this._started = true;
    const last = this._remembered;
    const bucket = this._buckets.preferred(last?.bucket);
    if (bucket) {
      await this.open(bucket, bucket === last?.bucket ? last.prefix : '');
    } else {
      this._end(signal);
    }
  }

  /** Show a level. An answer that is still out for another place is dropped. */
  async open(bucket: string, prefix = '', focus: string | null = null): Promise<void> {
    const signal = this._begin();
    this._bucket = bucket;
    this._prefix = prefix;
    this._filter = '';
    this._replaceRows(new Rows(prefix));
    this._selection.reset();
    this._changed();
    await this._load(signal, 1, focus);
  }

  async up(): Promise<void> {
    if (this._bucket !== null && this._prefix !== '') {
      await this.open(this._bucket, parentPrefix(this._prefix), this._prefix);
    }
  }

  /** Read the place again, keeping what is selected; the old rows stay until the new ones are there. */
  async refresh(focus: string | null = null): Promise<void> {
    if (!this._started || this._bucket === null) {
      await this.start();
      return;
    }
    const signal = this._begin();
    const pages = Math.min(Math.max(1, this._rows.pages), MAX_REFRESH_PAGES);
    const buckets = this._store
      .listBuckets(signal)
      .then(list => this._takeBuckets(list, signal))
      // The listing tells what is wrong; a list of buckets that cannot be renewed is no second error.
      .catch(() => undefined);
    await Promise.all([buckets, this._load(signal, pages, focus)]);
  }

  /** Read the buckets again, and open the default one when nothing is open: after the connection changed. */
  async reconnect(): Promise<void> {
    this._started = false;
    this._buckets = new Buckets();
    const { _bucket: bucket, _prefix: prefix } = this;
    this._remembered = bucket === null ? this._remembered : { bucket, prefix };
    this._bucket = null;
    this._replaceRows(new Rows(''));
    await this.start();
  }

  async loadMore(): Promise<void> {
    const signal = this._abort?.signal;
    if (!signal || this._loading || this._loadingMore || !this.hasMore) {
      return;
    }
    this._loadingMore = true;
    this._error = null;
    this._changed();
    try {
      const page = await this._page(signal, this._rows.nextToken);
      if (signal.aborted) {
        return;
      }
      this._rows.add(page);
      this._replaceRows(this._rows);
      this._end(signal);
    } catch (reason) {
      this._fail(reason, signal);
    }
  }

  setFilter(filter: string): void {
    if (filter !== this._filter) {
      this._filter = filter;
      this._shown = null;
      this._selection.retain(this.rows.map(row => row.key));
      this._changed();
    }
  }

  /** Change the selection and tell the views. */
  select(change: (selection: Selection) => void): void {
    change(this._selection);
    this._changed();
  }

  async createBucket(name: string): Promise<void> {
    await this._store.createBucket(name);
    await this.open(name);
    await this.refresh();
  }

  async createFolder(name: string): Promise<void> {
    const { _bucket: bucket, _prefix: prefix } = this;
    if (bucket === null) {
      return;
    }
    const key = `${prefix}${name.replace(/\/$/, '')}/`;
    await this._store.createFolder(bucket, key);
    if (this.shows(bucket, prefix)) {
      await this.refresh(key);
    }
  }

  /** Delete rows of the place that is shown: files exactly, folders with everything below them. */
  async remove(rows: readonly IRow[]): Promise<IRemoved> {
    const { _bucket: bucket, _prefix: prefix } = this;
    if (bucket === null) {
      return { errors: [] };
    }
    const keysOf = (kind: IRow['kind']) =>
      rows.filter(row => row.kind === kind).map(row => row.key);
    const outcome = await this._store.deleteObjects(bucket, {
      keys: keysOf('file'),
      prefixes: keysOf('folder')
    });
    if (this.shows(bucket, prefix)) {
      await this.refresh();
    }
    return 'transfer' in outcome
      ? { errors: [], transfer: outcome.transfer }
      : { errors: outcome.reply.errors };
  }

  /** Whether a change below this prefix can be seen where we are. */
  shows(bucket: string, prefix: string): boolean {
    return (
      bucket === this._bucket &&
      (prefix.startsWith(this._prefix) || this._prefix.startsWith(prefix))
    );
  }

  private _begin(): AbortSignal {
    this._abort?.abort();
    this._abort = new AbortController();
    this._loading = true;
    this._loadingMore = false;
    this._error = null;
    this._changed();
    return this._abort.signal;
  }

  private _end(signal: AbortSignal): void {
    if (!signal.aborted) {
      this._loading = false;
      this._loadingMore = false;
      this._changed();
    }
  }

  private _fail(reason: unknown, signal: AbortSignal): void {
    if (!signal.aborted) {
      this._error = ApiError.from(reason);
      this._end(signal);
    }
  }

  private async _load(signal: AbortSignal, pages: number, focus: string | null): Promise<void> {
    const rows = new Rows(this._prefix);
    try {
      do {
        const page = await this._page(signal, rows.nextToken);
        if (signal.aborted) {
          return;
        }
        rows.add(page);
        // A page may hold nothing but the folder's own marker.
      } while (rows.nextToken !== null && (rows.pages < pages || rows.count === 0));
      this._replaceRows(rows);
      if (focus !== null && this.rows.some(row => row.key === focus)) {
        this._selection.only(focus);
      }
      this._end(signal);
    } catch (reason) {
      if (!signal.aborted) {
        this._replaceRows(new Rows(this._prefix));
      }
      this._fail(reason, signal);
    }
  }

  private _page(signal: AbortSignal, token: string | null): Promise<ObjectList> {
    return this._store.listObjects(this._bucket!, this._prefix, {
      maxKeys: this._pageSize(),
      continuationToken: token ?? undefined,
      signal
    });
  }

  private _replaceRows(rows: Rows): void {
    const before = this.rows.map(row => row.key);
    this._rows = rows;
    this._shown = null;
    this._selection.retain(
      this.rows.map(row => row.key),
      before
    );
  }

  private _takeBuckets(list: BucketList, signal: AbortSignal): void {
    if (!signal.aborted) {
      this._buckets = new Buckets(list);
      this._changed();
    }
  }

  private _changed(): void {
    this._stateChanged.emit();
  }

  private readonly _store: IStorage;
  private readonly _pageSize: () => number;
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _selection = new Selection();
  private _remembered: IPlace | undefined;
  private _started = false;
  private _isDisposed = false;
  private _bucket: string | null = null;
  private _prefix = '';
  private _buckets = new Buckets();
  private _rows = new Rows('');
  private _shown: readonly IRow[] | null = null;
  private _filter = '';
  private _loading = false;
  private _loadingMore = false;
  private _error: ApiError | null = null;
  private _abort: AbortController | null = null;
}
