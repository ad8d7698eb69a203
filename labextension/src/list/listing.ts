import { isAfter } from '../api/keys';
import { ApiError } from '../api/request';
import type { ObjectList } from '../tokens';
import type { IOrder } from './order';
import { Rows } from './rows';
import type { IStorage } from './storage';

/** A refresh reloads the loaded pages up to this number, since a long list may have taken minutes to load. */
const MAX_REFRESH_PAGES = 5;
/** The number of pages that are read to find the row to focus. */
const MAX_FOCUS_PAGES = 20;

/** One level of a bucket, read page by page with the store's continuation tokens. */
export class Listing {
  constructor(private readonly _options: Listing.IOptions) {
    this._rows = new Rows(_options.prefix, _options.order);
  }

  get bucket(): string {
    return this._options.bucket;
  }

  get prefix(): string {
    return this._options.prefix;
  }

  get rows(): Rows {
    return this._rows;
  }

  /** Whether the first page is loading, or the user has requested a refresh. */
  get loading(): boolean {
    return this._loading;
  }

  get loadingMore(): boolean {
    return this._loadingMore;
  }

  /** Whether all pages are being loaded. */
  get loadingAll(): boolean {
    return this._loadingAll;
  }

  get hasMore(): boolean {
    return this._rows.nextToken !== null;
  }

  /** Why there is nothing to show, or why loading the next page failed. */
  get error(): ApiError | null {
    return this._error;
  }

  /** Load the first pages. The old rows stay until the new ones have arrived. */
  load(pages = 1): Promise<void> {
    this._loaded = this._load(pages);
    return this._loaded;
  }

  /** Wait until loading has finished. */
  async whenLoaded(): Promise<void> {
    while (this._loading && !this._stopped) {
      await this._loaded;
    }
  }

  private async _load(pages: number): Promise<void> {
    const signal = this._startRequest();
    this._loading = true;
    this._stale = false;
    this._error = null;
    this._options.onChanged();
    try {
      const rows = await this._read(signal, pages);
      this._finishRequest(signal, () => this._replace(rows));
    } catch (reason) {
      this._finishRequest(signal, () => {
        this._replace(new Rows(this._rows.prefix, this._rows.order));
        this._error = ApiError.from(reason);
      });
    }
  }

  /** Reload the loaded pages up to a limit; the rows after them are kept. */
  async reload(): Promise<void> {
    await this.load(this._refreshPages);
  }

  /** Reload in the background: errors keep the old rows. If something else is loading, reload after that. */
  async reloadInBackground(): Promise<void> {
    if (this._loading || this._loadingMore) {
      this._stale = true;
      return;
    }
    const signal = this._startRequest();
    this._reloading = true;
    this._stale = false;
    try {
      const rows = await this._read(signal, this._refreshPages);
      this._finishRequest(signal, () => this._replace(rows));
    } catch {
      // A refresh by the user reports the error.
      this._reloading &&= signal.aborted;
    }
  }

  /** Load the next page. While anything is loading, return that promise, so that a caller in a loop waits for it. */
  loadMore(): Promise<void> {
    if (this._loading) {
      return this._loaded;
    }
    if (!this._loadingMore) {
      this._more = this.hasMore ? this._loadMore() : Promise.resolve();
    }
    return this._more;
  }

  private async _loadMore(): Promise<void> {
    const signal = this._startRequest();
    this._loadingMore = true;
    this._error = null;
    this._options.onChanged();
    try {
      const page = await this._page(signal, this._rows.nextToken);
      this._finishRequest(signal, () => this._rows.add(page));
    } catch (reason) {
      this._finishRequest(signal, () => {
        this._error = ApiError.from(reason);
        this._loadingAll = false;
      });
    }
  }

  /** Load all pages, or until stopped. */
  async loadAll(): Promise<void> {
    this._loadingAll = true;
    while (this._loadingAll && this.hasMore) {
      await this.loadMore();
    }
    this._loadingAll = false;
    this._options.onChanged();
  }

  stopLoadingAll(): void {
    this._loadingAll = false;
    this._options.onChanged();
  }

  /** Load more pages until the row is there, up to a limit. */
  async loadUntil(key: string): Promise<void> {
    while (
      !this._rows.has(key) &&
      this.hasMore &&
      !this._error &&
      !this._stopped &&
      this._rows.pages < MAX_FOCUS_PAGES &&
      isAfter(key, this._rows.lastKey)
    ) {
      await this.loadMore();
    }
  }

  /** Cancel all requests. */
  stop(): void {
    this._stopped = true;
    this._loadingAll = false;
    this._abort?.abort();
  }

  private get _refreshPages(): number {
    return Math.min(Math.max(1, this._rows.pages), MAX_REFRESH_PAGES);
  }

  private _startRequest(): AbortSignal {
    this._abort?.abort();
    this._abort = new AbortController();
    this._stale ||= this._reloading;
    this._loading = this._loadingMore = this._reloading = false;
    return this._abort.signal;
  }

  /** Apply a reply, unless a newer request has been sent. */
  private _finishRequest(signal: AbortSignal, take: () => void): void {
    if (signal.aborted) {
      return;
    }
    this._loading = this._loadingMore = this._reloading = false;
    take();
    this._options.onChanged();
    if (this._stale && !this._loadingAll) {
      void this.reloadInBackground();
    }
  }

  private async _read(signal: AbortSignal, pages: number): Promise<Rows> {
    const old = this._rows;
    const rows = new Rows(old.prefix, old.order, old.filter);
    do {
      rows.add(await this._page(signal, rows.nextToken));
      // A page may contain only the folder's own marker.
    } while (
      !signal.aborted &&
      rows.nextToken !== null &&
      (rows.pages < pages || rows.count === 0)
    );
    if (old.pages > rows.pages && rows.nextToken !== null) {
      rows.appendRest(old);
    }
    return rows;
  }

  private _page(signal: AbortSignal, token: string | null): Promise<ObjectList> {
    const { store, bucket, prefix, pageSize } = this._options;
    return store.listObjects(bucket, prefix, {
      maxKeys: pageSize(),
      continuationToken: token ?? undefined,
      signal
    });
  }

  private _replace(rows: Rows): void {
    const before = this._rows;
    // The order or the filter may have changed while it was loading.
    if (rows.filter !== before.filter) {
      rows.setFilter(before.filter);
    }
    if (rows.order !== before.order) {
      rows.setOrder(before.order);
    }
    this._rows = rows;
    this._options.onReplaced(before);
  }

  private _rows: Rows;
  private _loading = false;
  private _loadingMore = false;
  private _loaded: Promise<void> = Promise.resolve();
  private _more: Promise<void> = Promise.resolve();
  private _loadingAll = false;
  /** Whether a reload in the background is running. */
  private _reloading = false;
  /** Whether to reload when nothing else is loading. */
  private _stale = false;
  private _stopped = false;
  private _error: ApiError | null = null;
  private _abort: AbortController | null = null;
}

export namespace Listing {
  export interface IOptions {
    store: Pick<IStorage, 'listObjects'>;
    bucket: string;
    prefix: string;
    /** Page size of requests. */
    pageSize: () => number;
    order: IOrder;
    onChanged: () => void;
    /** Called with the previous rows after a reload. */
    onReplaced: (before: Rows) => void;
  }
}
