import type {
  BucketList,
  DeleteReply,
  DeleteRequest,
  KeyFailure,
  ObjectList,
  Transfer
} from './tokens';

/** The storage, as far as the browser needs it. */
export interface IStorage {
  listBuckets(signal?: AbortSignal): Promise<BucketList>;
  createBucket(name: string): Promise<void>;
  listObjects(
    bucket: string,
    prefix: string,
    options: { maxKeys?: number; continuationToken?: string; signal?: AbortSignal }
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
