/** The interfaces for sending one file. */

import type { IPutOptions } from '../../api/put';
import type { ApiError } from '../../api/request';
import type { OnConflict, StoredPart, Upload, UploadRequest } from '../../tokens';
import type { BodyLimit } from './bodylimit';
import type { IBackoff } from './retry';
import type { Slots } from './slots';

/** Files up to this size are sent in one request; also the minimum part size. */
export const MAX_SINGLE_PUT_BYTES = 8 * 1024 * 1024;

/** A small file is sent in one request, a large one in several. */
export type FileSize = 'small' | 'large';

export function sizeOf(file: File): FileSize {
  return file.size <= MAX_SINGLE_PUT_BYTES ? 'small' : 'large';
}

/** An upload on the server, and how it handles an existing object. */
export interface IServerUpload {
  id: string;
  onConflict: OnConflict;
}

/** One file to send. */
export interface IFileJob {
  bucket: string;
  key: string;
  file: File;
  onConflict: OnConflict;
  /** The upload to continue. */
  serverUpload: IServerUpload | null;
  onUploadStarted: (serverUpload: IServerUpload) => void;
  /** Aborted when the file is cancelled. */
  signal: AbortSignal;
  /** Aborted when the file is cancelled or paused. */
  stop: AbortSignal;
  /** Called with the bytes sent; fewer than before if some must be sent again. */
  onProgress: (sent: number) => void;
  /** Called when a request failed and will be retried. */
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

/** The parts of the sender that the upload of a file uses. */
export interface ISender {
  readonly server: IUploadServer;
  readonly backoff: IBackoff;
  readonly slots: Slots;
  readonly limit: BodyLimit;
  /** Lock the upload for other tabs until the returned function is called. */
  lock(id: string): () => void;
  discard(id: string): void;
}
