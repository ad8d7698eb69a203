import type {
  BucketList,
  DeleteReply,
  DeleteRequest,
  ISearch,
  KeyFailure,
  ObjectList,
  Transfer
} from '../tokens';

/** The storage, as far as the browser needs it. */
export interface IStorage {
  listBuckets(signal?: AbortSignal): Promise<BucketList>;
  createBucket(name: string): Promise<void>;
  listObjects(
    bucket: string,
    prefix: string,
    options: {
      maxKeys?: number;
      continuationToken?: string;
      search?: ISearch;
      signal?: AbortSignal;
    }
  ): Promise<ObjectList>;
  createFolder(bucket: string, prefix: string): Promise<unknown>;
  deleteObjects(
    bucket: string,
    which: DeleteRequest
  ): Promise<{ reply: DeleteReply } | { transfer: Transfer }>;
}

/** One level of one bucket. */
export interface IPlace {
  bucket: string;
  prefix: string;
}

/** What became of a deletion. */
export interface IRemoved {
  errors: KeyFailure[];
  /** Folders go in the background. */
  transfer?: Transfer;
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
