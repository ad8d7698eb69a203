import { ApiError } from '../api/request';
import type { IObjectHead, ObjectList, StoredObject } from '../tokens';

interface IStored {
  text: string;
  etag: string;
  contentType: string;
}

/** A store with one bucket that supports documents and conditional writes. */
export class FakeObjects {
  readonly objects = new Map<string, IStored>();
  readonly requests: string[] = [];

  put(key: string, text: string, contentType = 'text/plain'): string {
    const etag = `"${++this._count}"`;
    this.objects.set(key, { text, etag, contentType });
    return etag;
  }

  headObject = async (bucket: string, key: string): Promise<IObjectHead | null> => {
    this.requests.push(`HEAD ${key}`);
    const found = this.objects.get(key);
    return found ? head(found) : null;
  };

  readObject = async (bucket: string, key: string, limit: number) => {
    this.requests.push(`GET ${key}`);
    const found = this.objects.get(key);
    if (!found) {
      throw new ApiError('NoSuchKey', 'It is not there.', 404);
    }
    const bytes = new TextEncoder().encode(found.text);
    return { ...head(found), bytes: bytes.length > limit ? null : bytes };
  };

  saveObject = async (
    bucket: string,
    key: string,
    body: Blob,
    etag: string | null
  ): Promise<StoredObject> => {
    this.requests.push(`PUT ${key}`);
    if ((this.objects.get(key)?.etag ?? null) !== etag) {
      throw new ApiError('PreconditionFailed', 'It is another.', 412);
    }
    const ETag = this.put(key, await textOf(body), body.type);
    return { bucket, key, size: body.size, ETag };
  };

  deleteObjects = async (bucket: string, { keys = [] }: { keys?: string[] }) => {
    keys.forEach(key => this.objects.delete(key));
    return { reply: { deleted: keys, errors: [] } };
  };

  createFolder = async (bucket: string, prefix: string): Promise<StoredObject> => {
    this.put(prefix, '');
    return { bucket, key: prefix, size: 0, ETag: null };
  };

  downloadUrl = (bucket: string, key: string) => `/download/${bucket}/${key}`;

  listBuckets = async () => ({
    owner: null,
    defaultBucket: 'b',
    buckets: [{ Name: 'b', CreationDate: null }],
    listable: true
  });

  listObjects = async (
    bucket: string,
    prefix: string,
    { maxKeys = 1000, continuationToken = '' }
  ): Promise<ObjectList> => {
    this.requests.push(`LIST ${prefix}`);
    const names = new Set<string>();
    for (const key of [...this.objects.keys()].sort()) {
      if (key.startsWith(prefix)) {
        const cut = key.indexOf('/', prefix.length);
        names.add(cut < 0 ? key : key.slice(0, cut + 1));
      }
    }
    const page = [...names].filter(name => name > continuationToken).slice(0, maxKeys);
    const last = page.at(-1) ?? '';
    const more = [...names].some(name => name > last);
    return {
      objects: page
        .filter(name => this.objects.has(name))
        .map(Key => ({ Key, Size: 1, LastModified: '2026-01-01T00:00:00Z' })),
      prefixes: page.filter(name => !this.objects.has(name)).map(Prefix => ({ Prefix })),
      nextContinuationToken: more ? last : null,
      isTruncated: more
    };
  };

  private _count = 0;
}

function head({ text, etag, contentType }: IStored): IObjectHead {
  const size = new TextEncoder().encode(text).length;
  return { size, etag, contentType, modified: new Date(0) };
}

/** jsdom's blobs have no text(). */
function textOf(body: Blob): Promise<string> {
  return new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsText(body);
  });
}
