/** What sending one file takes, and what it needs of others. */

import type { IPutOptions } from '../../api/put';
import type { ApiError } from '../../api/request';
import type { OnConflict, StoredPart, Upload, UploadRequest } from '../../tokens';
import type { BodyLimit } from './bodylimit';
import type { IBackoff } from './retry';
import type { Slots } from './slots';

/** An upload on the server, and what it was told to do with an object that is there already. */
export interface IServerUpload {
  id: string;
  onConflict: OnConflict;
}

/** One file to be sent. */
export interface IFileJob {
  bucket: string;
  key: string;
  file: File;
  onConflict: OnConflict;
  /** The upload to go on with. */
  serverUpload: IServerUpload | null;
  onUploadStarted: (serverUpload: IServerUpload) => void;
  /** Aborted when the file is not wanted any more. */
  signal: AbortSignal;
  /** Aborted then, and also when it shall go on later. */
  stop: AbortSignal;
  /** Bytes that have arrived or are under way; fewer than before when some have to be sent again. */
  onProgress: (sent: number) => void;
  /** A request failed and is tried again. */
  onRetry: (reason: ApiError) => void;
}

export interface IUploadServer {
  putObject(
    bucket: string,
    key: string,
    body: Blob,
    options: IPutOptions & { onConflict: OnConflict }
  ): Promise<boolean>;
  createUpload(request: UploadRequest): Promise<Upload>;
  getUpload(id: string): Promise<Upload>;
  putPart(
    id: string,
    number: number,
    body: Blob,
    options: IPutOptions & { offset?: number }
  ): Promise<StoredPart | null>;
  completeUpload(id: string): Promise<unknown>;
  abortUpload(id: string): Promise<void>;
  headObject(bucket: string, key: string): Promise<{ size: number; etag: string | null } | null>;
}

/** What sending a file takes. */
export interface ISender {
  readonly server: IUploadServer;
  readonly backoff: IBackoff;
  readonly slots: Slots;
  readonly limit: BodyLimit;
  /** Tell other tabs that this one sends the upload, until the returned function is called. */
  lock(id: string): () => void;
  discard(id: string): void;
}
