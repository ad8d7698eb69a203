import type { Bucket, BucketList } from '../tokens';

/** The known buckets, and whether there may be others. */
export class Buckets {
  constructor(private readonly _list: BucketList | null = null) {}

  get all(): readonly Bucket[] {
    return this._list?.buckets ?? [];
  }

  get names(): string[] {
    return this.all.map(({ Name }) => Name);
  }

  /** False if the credentials cannot list buckets; any name may still be opened. */
  get listable(): boolean {
    return this._list?.listable ?? true;
  }

  /** Return the default bucket of the connection, else the last one, else the first. */
  preferred(last: string | undefined): string | undefined {
    return this._list?.defaultBucket || last || this.names[0];
  }
}
