import type { BucketList, IListOptions, ObjectList } from '../tokens';

/** The part of the storage API that the browser needs. */
export interface IStorage {
  listBuckets(signal?: AbortSignal, connection?: string): Promise<BucketList>;
  listObjects(bucket: string, prefix: string, options: IListOptions): Promise<ObjectList>;
}

/** One level of one bucket. */
export interface ILocation {
  /** Its address, which names its connection. */
  bucket: string;
  prefix: string;
}

/**
 * Return whether a value is a location. Lab's saved state may come from another user's file, because workspaces can be
 * imported.
 */
export function isLocation(value: unknown): value is ILocation {
  const { bucket, prefix } = (value ?? {}) as Partial<ILocation>;
  return typeof bucket === 'string' && bucket !== '' && typeof prefix === 'string';
}

/** The changes by a transfer that a list must know. */
export interface IChange {
  /** Keys that no longer exist. */
  gone?: readonly string[];
  renamed?: IRenamed;
}

/** The key of a row before and after a rename. */
export interface IRenamed {
  from: string;
  to: string;
}
