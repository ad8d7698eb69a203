import { ApiError } from '../api/request';
import type { ISearch } from '../tokens';
import type { IOrder } from './order';
import { Rows } from './rows';
import type { IStorage } from './storage';

/** A search pauses after this many hits until the user scrolls to them. */
const MAX_UNSEEN_HITS = 5000;

/** A search of the store below one prefix: the hits so far, and the number of entries searched. */
export class Search {
  constructor(private readonly _options: Search.IOptions) {
    this.rows = new Rows(_options.prefix, _options.order);
  }

  /** The hits. Their names are paths relative to where the search started. */
  readonly rows: Rows;

  get what(): ISearch {
    return this._options.what;
  }

  get running(): boolean {
    return this._abort !== null;
  }

  /** The number of entries searched. */
  get scanned(): number {
    return this._scanned;
  }

  /** Whether there are entries not searched yet. */
  get hasMore(): boolean {
    return !this._complete;
  }

  /** Whether the user stopped it; it continues only on request. */
  get cancelled(): boolean {
    return this._cancelled;
  }

  get error(): ApiError | null {
    return this._error;
  }

  /** Continue searching. Each step is one request, with or without hits. */
  async run(): Promise<void> {
    if (this._abort || this._complete) {
      return;
    }
    const { signal } = (this._abort = new AbortController());
    const enough = this.rows.count + MAX_UNSEEN_HITS;
    this._error = null;
    this._cancelled = false;
    this._options.onChanged();
    try {
      while (!this._complete && this.rows.count < enough) {
        await this._step(signal);
        if (signal.aborted) {
          return;
        }
        this._options.onChanged();
      }
    } catch (reason) {
      if (signal.aborted) {
        return;
      }
      this._error = ApiError.from(reason);
    }
    this._abort = null;
    this._options.onChanged();
  }

  /** Stop searching. The hits stay, and the search can continue. */
  cancel(): void {
    if (this._abort) {
      this._abort.abort();
      this._abort = null;
      this._cancelled = true;
      this._options.onChanged();
    }
  }

  private async _step(signal: AbortSignal): Promise<void> {
    const { store, bucket, prefix, pageSize, what } = this._options;
    const page = await store.listObjects(bucket, prefix, {
      maxKeys: pageSize(),
      continuationToken: this.rows.nextToken ?? undefined,
      search: what,
      signal
    });
    if (!signal.aborted) {
      this.rows.add(page);
      this._scanned += page.scanned ?? page.objects.length + page.prefixes.length;
      this._complete = page.nextContinuationToken === null;
    }
  }

  private _scanned = 0;
  private _complete = false;
  private _cancelled = false;
  private _error: ApiError | null = null;
  private _abort: AbortController | null = null;
}

export namespace Search {
  export interface IOptions {
    store: Pick<IStorage, 'listObjects'>;
    bucket: string;
    prefix: string;
    what: ISearch;
    /** Page size of requests. */
    pageSize: () => number;
    order: IOrder;
    onChanged: () => void;
  }
}
