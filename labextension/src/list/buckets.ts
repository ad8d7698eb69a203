import type { Bucket, BucketList } from '../tokens';

/** The buckets that are known, and whether there may be others. */
export class Buckets {
  constructor(private readonly _list: BucketList | null = null) {}

  get all(): readonly Bucket[] {
    return this._list?.buckets ?? [];
  }

  get names(): string[] {
    return this.all.map(({ Name }) => Name);
  }

  /** False when the credentials may not list buckets; any name may still be opened. */
  get listable(): boolean {
    return this._list?.listable ?? true;
  }

  /** The one of the connection, then the one of last time, then the first. */
  preferred(last: string | undefined): string | undefined {
    return this._list?.defaultBucket || last || this.names[0];
  }
}
