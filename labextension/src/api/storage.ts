import type {
  AbortRequest,
  BucketList,
  DeleteReply,
  DeleteRequest,
  DetailsChange,
  IListOptions,
  IObjectHead,
  MultipartList,
  ObjectDetails,
  ObjectList,
  OnConflict,
  PresignRequest,
  PresignedUrl,
  Preview,
  StoredObject,
  Transfer,
  Usage,
  VersionList
} from '../tokens';
import { APIClient, inConnection } from './apiclient';
import { bucketAddress, splitBucket } from './bucketaddress';
import { encodeKey } from './keys';
import { putBlob, type IPutOptions } from './put';
import { ApiError, apiUrl, linkUrl, request } from './request';

/** The endpoints of buckets and objects. Every `bucket` is an address, which names its connection. */
export class StorageAPI extends APIClient {
  /** List the buckets of a connection, by default of the default one. The reply has their addresses. */
  async listBuckets(signal?: AbortSignal, connection = ''): Promise<BucketList> {
    const path = inConnection('/buckets', connection);
    const list = await this._json<BucketList>('GET', path, undefined, signal);
    const address = (bucket: string) => bucketAddress({ connection, bucket });
    return {
      ...list,
      defaultBucket: list.defaultBucket && address(list.defaultBucket),
      // No store has a bucket with an @ in its name; such a name would be the address of another one.
      buckets: list.buckets
        .filter(({ Name }) => !Name.includes('@'))
        .map(bucket => ({ ...bucket, Name: address(bucket.Name) }))
    };
  }

  async createBucket(address: string): Promise<void> {
    const { connection, bucket } = splitBucket(address);
    await this._json('POST', inConnection('/buckets', connection), { bucketName: bucket });
  }

  /** Delete an empty bucket. */
  async deleteBucket(bucket: string): Promise<void> {
    await this._send('DELETE', resourcePath('/buckets', bucket));
  }

  /**
   * Return one page of a level or, with `search`, one step of a search, which may have no hits although more follow.
   */
  listObjects(bucket: string, prefix: string, options: IListOptions = {}): Promise<ObjectList> {
    const query = new URLSearchParams();
    if (options.search) {
      const { q, mode, recursive } = options.search;
      query.set('q', q);
      query.set('mode', mode);
      query.set('recursive', String(recursive));
    }
    if (options.maxKeys !== undefined) {
      query.set('maxKeys', String(options.maxKeys));
    }
    if (options.continuationToken !== undefined) {
      query.set('continuationToken', options.continuationToken);
    }
    return this._json(
      'GET',
      resourcePath('/objects', bucket, prefix, query),
      undefined,
      options.signal
    );
  }

  /** Return one step of counting the objects below a prefix. The sum of all steps is the total. */
  countUsage(
    bucket: string,
    prefix: string,
    options: { continuationToken?: string; signal?: AbortSignal } = {}
  ): Promise<Usage> {
    const query = new URLSearchParams();
    if (prefix) {
      query.set('prefix', encodeKey(prefix));
    }
    if (options.continuationToken !== undefined) {
      query.set('continuationToken', options.continuationToken);
    }
    return this._json('GET', resourcePath('/usage', bucket, '', query), undefined, options.signal);
  }

  getDetails(bucket: string, key: string, signal?: AbortSignal): Promise<ObjectDetails> {
    return this._json('GET', resourcePath('/objects/metadata', bucket, key), undefined, signal);
  }

  setDetails(bucket: string, key: string, change: DetailsChange): Promise<ObjectDetails> {
    return this._json('PUT', resourcePath('/objects/metadata', bucket, key), change);
  }

  listVersions(
    bucket: string,
    key: string,
    options: { continuationToken?: string; signal?: AbortSignal } = {}
  ): Promise<VersionList> {
    const query = new URLSearchParams();
    if (options.continuationToken !== undefined) {
      query.set('continuationToken', options.continuationToken);
    }
    const path = resourcePath('/objects/versions', bucket, key, query);
    return this._json('GET', path, undefined, options.signal);
  }

  /** Make an older version the newest. Nothing is removed. */
  restoreVersion(bucket: string, key: string, versionId: string): Promise<StoredObject> {
    return this._json('POST', resourcePath('/objects/restore', bucket, key), { versionId });
  }

  /** Permanently delete exactly this version or delete marker. */
  async deleteVersion(bucket: string, key: string, versionId: string): Promise<void> {
    await this._send('DELETE', resourcePath('/objects', bucket, key, version(versionId)));
  }

  presign(what: PresignRequest): Promise<PresignedUrl> {
    const { connection, bucket } = splitBucket(what.bucket);
    return this._json('POST', inConnection('/objects/presign', connection), { ...what, bucket });
  }

  getPreview(bucket: string, key: string, signal?: AbortSignal): Promise<Preview> {
    return this._json('GET', resourcePath('/objects/preview', bucket, key), undefined, signal);
  }

  /**
   * Return the URL of a streamed ZIP of these keys and everything below these prefixes. Names are relative to `base`.
   */
  archiveUrl(
    bucket: string,
    base: string,
    what: { keys: readonly string[]; prefixes: readonly string[] }
  ): string {
    const query = new URLSearchParams();
    if (base) {
      query.set('base', encodeKey(base));
    }
    what.prefixes.forEach(prefix => query.append('prefix', encodeKey(prefix)));
    what.keys.forEach(key => query.append('key', encodeKey(key)));
    return linkUrl(this._settings, resourcePath('/archive', bucket, '', query));
  }

  listMultiparts(
    bucket: string,
    options: { prefix?: string; continuationToken?: string; signal?: AbortSignal } = {}
  ): Promise<MultipartList> {
    const query = new URLSearchParams();
    if (options.prefix) {
      query.set('prefix', encodeKey(options.prefix));
    }
    if (options.continuationToken !== undefined) {
      query.set('continuationToken', options.continuationToken);
    }
    return this._json(
      'GET',
      resourcePath('/multipart', bucket, '', query),
      undefined,
      options.signal
    );
  }

  abortMultiparts(bucket: string, which: AbortRequest): Promise<DeleteReply> {
    return this._json('DELETE', resourcePath('/multipart', bucket), which);
  }

  createFolder(bucket: string, prefix: string): Promise<StoredObject> {
    return this._json('POST', resourcePath('/objects/folder', bucket), { prefix });
  }

  /** Delete objects. With a prefix among them, the reply is a transfer that deletes in the background. */
  async deleteObjects(
    bucket: string,
    which: DeleteRequest
  ): Promise<{ reply: DeleteReply } | { transfer: Transfer }> {
    const response = await this._send('DELETE', resourcePath('/objects/multiple', bucket), which);
    const body = await response.json();
    return response.status === 202 ? { transfer: body } : { reply: body };
  }

  downloadUrl(bucket: string, key: string, versionId?: string): string {
    return linkUrl(
      this._settings,
      resourcePath('/objects/download', bucket, key, version(versionId))
    );
  }

  viewUrl(bucket: string, key: string, versionId?: string): string {
    return linkUrl(this._settings, resourcePath('/objects/view', bucket, key, version(versionId)));
  }

  /** Resolves to true if the object was stored, and to false if `onConflict` is skip and an object existed. */
  async putObject(
    bucket: string,
    key: string,
    body: Blob,
    options: IPutOptions & { onConflict: OnConflict }
  ): Promise<boolean> {
    const path = resourcePath(
      '/objects/upload',
      bucket,
      key,
      new URLSearchParams({ onConflict: options.onConflict })
    );
    const { status } = await putBlob(this._settings, apiUrl(this._settings, path), body, options);
    return status === 201;
  }

  /** Null when there is no such object. */
  async headObject(bucket: string, key: string): Promise<IObjectHead | null> {
    try {
      return headOf(await this._send('HEAD', resourcePath('/objects/download', bucket, key)));
    } catch (reason) {
      // A HEAD has no body, so only the status is known.
      if (ApiError.from(reason).status === 404) {
        return null;
      }
      throw reason;
    }
  }

  /** Read an object. If it has more than `limit` bytes, `bytes` is null. */
  async readObject(
    bucket: string,
    key: string,
    limit: number,
    signal?: AbortSignal
  ): Promise<IObjectHead & { bytes: Uint8Array<ArrayBuffer> | null }> {
    const path = resourcePath('/objects/download', bucket, key);
    const response = await this._send('GET', path, undefined, signal);
    const head = headOf(response);
    if (head.size > limit) {
      await response.body?.cancel();
      return { ...head, bytes: null };
    }
    try {
      return { ...head, bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch (reason) {
      // The connection broke while the body was read.
      throw signal?.aborted ? reason : ApiError.unreachable();
    }
  }

  /** Replace exactly the object with this ETag or, with null, create a new one; otherwise the server replies 412. */
  async saveObject(
    bucket: string,
    key: string,
    body: Blob,
    etag: string | null
  ): Promise<StoredObject> {
    const headers: Record<string, string> = {
      'Content-Type': body.type || 'application/octet-stream',
      ...(etag === null ? { 'If-None-Match': '*' } : { 'If-Match': etag })
    };
    const path = resourcePath('/objects/upload', bucket, key);
    const response = await request(this._settings, path, { method: 'PUT', body, headers });
    return (await response.json()) as StoredObject;
  }
}

function headOf({ headers }: Response): IObjectHead {
  const modified = headers.get('Last-Modified');
  return {
    size: Number(headers.get('Content-Length')),
    etag: headers.get('ETag'),
    contentType: headers.get('Content-Type') ?? '',
    modified: modified === null ? null : new Date(modified)
  };
}

/** Return `/objects/…/bucket[/key]`. Without a key, it is the top level of the bucket. */
function resourcePath(route: string, address: string, key = '', query?: URLSearchParams): string {
  const { connection, bucket } = splitBucket(address);
  const path = `${route}/${encodeURIComponent(bucket)}`;
  return inConnection(key === '' ? path : `${path}/${encodeKey(key)}`, connection, query);
}

function version(versionId: string | undefined): URLSearchParams {
  return new URLSearchParams(versionId === undefined ? {} : { versionId });
}
