import { isAfter } from '../api/keys';
import { ApiError } from '../api/request';
import type { ObjectList } from '../tokens';
import type { IOrder } from './order';
import { Rows } from './rows';
import type { IStorage } from './storage';

/** A refresh re-reads what was loaded, but not a list that took minutes of scrolling to load. */
const MAX_REFRESH_PAGES = 5;
/** How far a folder is read to find the row that is to have the focus. */
const MAX_FOCUS_PAGES = 20;

/** One level of a bucket, read page by page by the store's own tokens. */
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

  /** The first page is on its way, or the place is read again because somebody asked for that. */
  get loading(): boolean {
    return this._loading;
  }

  get loadingMore(): boolean {
    return this._loadingMore;
  }

  /** All pages are being read to the end. */
  get loadingAll(): boolean {
    return this._loadingAll;
  }

  get hasMore(): boolean {
    return this._rows.nextToken !== null;
  }

  /** Why there is nothing to show, or why the next page did not come. */
  get error(): ApiError | null {
    return this._error;
  }

  /** Read the first pages; the old rows stay until the new ones are there. */
  load(pages = 1): Promise<void> {
    this._loaded = this._load(pages);
    return this._loaded;
  }

  /** When what is being read has been read. */
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

  /** Read again what is loaded, as far as it is not too much; what follows stays as it was. */
  async reload(): Promise<void> {
    await this.load(this._refreshPages);
  }

  /**
   * The same when nobody asked for it: rows change in place and an error leaves them. While something else is being
   * read it waits for that.
   */
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
      // Whoever looks closer asks for a refresh, and hears why it fails.
      this._reloading &&= signal.aborted;
    }
  }

  /** The next page; while something is on its way, that: whoever reads on in a loop must wait for it. */
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

  /** Read to the end, or until stopped. */
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

  /** Read on until the row is there; a folder too large for that is left as it is. */
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

  /** Whatever is still out is not wanted any more. */
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

  /** Take an answer, unless something newer was asked for meanwhile. */
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
      // A page may hold nothing but the folder's own marker.
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
    // Sorted or filtered otherwise while it was being read.
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
  /** Being read again without anybody having asked. */
  private _reloading = false;
  /** To be read again as soon as nothing else is. */
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
    /** Rows of one request. */
    pageSize: () => number;
    order: IOrder;
    onChanged: () => void;
    /** The rows were read anew; these were there before. */
    onReplaced: (before: Rows) => void;
  }
}
