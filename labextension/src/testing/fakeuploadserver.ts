import type { IPutOptions } from '../api/put';
import { ApiError } from '../api/request';
import type { StoredPart, Upload, UploadRequest } from '../tokens';
import type { IUploadServer } from '../uploads/sending/filejob';
import { Deferred, upload } from './fakes';

export const MIB = 1024 * 1024;
export const PART = 8 * MIB;
export const noSuchUpload = () => new ApiError('NoSuchUpload', 'It was aborted.', 404);
const tooLarge = () => ApiError.ofReply(413, 'Too Large', '<html>nginx</html>');
export const conflict = () => new ApiError('Conflict', 'is there', 409);
/** Wait long enough for a blob to be read, which takes several event loop turns. */
export const settle = async () => {
  for (let turns = 0; turns < 10; turns++) {
    await new Promise(resolve => setTimeout(resolve));
  }
};

interface IPartPut {
  id: string;
  number: number;
  size: number;
  offset?: number;
  options: IPutOptions;
  answer: Deferred<void>;
}

/** A file of any size that takes no memory; its content is zeros. */
export function fileOf(size: number, name = 'model.bin'): File {
  const file = new File(['x'], name, { lastModified: 1234 });
  Object.defineProperty(file, 'size', { value: size });
  file.slice = (start = 0, end = size) => zeros(Math.min(end, size) - start);
  return file;
}

function zeros(size: number): Blob {
  const blob = new Blob(['0']);
  Object.defineProperty(blob, 'size', { value: size });
  blob.slice = (start = 0, end = size) => zeros(Math.min(end, size) - start);
  return blob;
}

/** A server with uploads like ours. A test resolves the parts itself, unless `instant`. */
export class FakeUploadServer implements IUploadServer {
  readonly uploads = new Map<string, Upload>();
  readonly objects = new Map<string, { size: number; etag: string }>();
  readonly requests: string[] = [];
  readonly puts: IPartPut[] = [];
  instant = true;
  mostAtOnce = 0;
  /** The body limit of a proxy in front of it. */
  proxyLimit = Infinity;
  refused = 0;

  async putObject(bucket: string, key: string, body: Blob): Promise<boolean> {
    this._pass(body);
    this.requests.push(`put ${key}`);
    return true;
  }

  async createUpload(what: UploadRequest): Promise<Upload> {
    this.requests.push(`begin ${what.key} ${what.onConflict}`);
    if (this.objects.has(what.key) && what.onConflict === 'fail') {
      throw conflict();
    }
    const key = what.onConflict === 'rename' ? `${what.key} (1)` : what.key;
    const known = [...this.uploads.values()].find(
      one => one.key === key && one.size === what.size && one.lastModified === what.lastModified
    );
    if (known) {
      return known;
    }
    const uploadId = `u${++this._count}`;
    const made = upload({
      uploadId,
      bucket: what.bucket,
      key,
      size: what.size,
      lastModified: what.lastModified,
      partSize: PART,
      partCount: Math.ceil(what.size / PART),
      parts: [],
      bytesDone: 0
    });
    this.uploads.set(uploadId, made);
    return made;
  }

  async getUpload(id: string): Promise<Upload> {
    this.requests.push(`get ${id}`);
    return structuredClone(this._find(id));
  }

  async putPart(
    id: string,
    number: number,
    body: Blob,
    options: IPutOptions & { offset?: number }
  ): Promise<StoredPart | null> {
    this._pass(body);
    const answer = new Deferred<void>();
    options.signal?.addEventListener('abort', () =>
      answer.reject(new DOMException('', 'AbortError'))
    );
    answer.promise.catch(() => undefined);
    const { offset } = options;
    const put = { id, number, size: body.size, offset, options, answer };
    this.puts.push(put);
    this._underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this._underWay);
    try {
      await (this.instant ? settle() : answer.promise);
    } finally {
      this._underWay -= 1;
    }
    options.onProgress?.(body.size);
    const upload = this._find(id);
    const stored = { number, size: (offset ?? 0) + body.size };
    if (stored.size < Math.min(PART, upload.size - (number - 1) * PART)) {
      return null;
    }
    upload.parts.push(stored);
    return stored;
  }

  async completeUpload(id: string): Promise<void> {
    this.requests.push(`complete ${id}`);
    const { key, size, parts, partCount } = this._find(id);
    if (parts.length < partCount) {
      throw new ApiError('MissingParts', 'Some have not arrived.', 409);
    }
    this.objects.set(key, { size, etag: `"0-${partCount}"` });
    this.uploads.delete(id);
  }

  async abortUpload(id: string): Promise<void> {
    this.requests.push(`drop ${id}`);
    this.uploads.delete(id);
  }

  async headObject(_bucket: string, key: string): Promise<{ size: number; etag: string } | null> {
    this.requests.push(`head ${key}`);
    return this.objects.get(key) ?? null;
  }

  private _pass(body: Blob): void {
    if (body.size > this.proxyLimit) {
      this.refused += 1;
      throw tooLarge();
    }
  }

  private _find(id: string): Upload {
    const found = this.uploads.get(id);
    if (!found) {
      throw noSuchUpload();
    }
    return found;
  }

  private _count = 0;
  private _underWay = 0;
}
