import type { BucketList, IListOptions, ObjectList } from '../tokens';

/** The storage, as far as the browser needs it. */
export interface IStorage {
  listBuckets(signal?: AbortSignal): Promise<BucketList>;
  listObjects(bucket: string, prefix: string, options: IListOptions): Promise<ObjectList>;
}

/** One level of one bucket. */
export interface ILocation {
  bucket: string;
  prefix: string;
}

/** Lab's saved state may come from a file of another user: a workspace can be imported. */
export function isLocation(value: unknown): value is ILocation {
  const { bucket, prefix } = (value ?? {}) as Partial<ILocation>;
  return typeof bucket === 'string' && bucket !== '' && typeof prefix === 'string';
}

/** What a transfer has changed, as far as a list must know. */
export interface IChange {
  /** Keys that are there no more. */
  gone?: readonly string[];
  renamed?: IRenamed;
}

/** A row's key before and after. */
export interface IRenamed {
  from: string;
  to: string;
}
