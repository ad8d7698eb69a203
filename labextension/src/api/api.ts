import type { ServerConnection } from '@jupyterlab/services';

import type {
  AbortRequest,
  BucketList,
  ConcurrencySettings,
  ContinueRequest,
  DeleteReply,
  DeleteRequest,
  DetailsChange,
  FileState,
  HubRefs,
  HubRepo,
  HubSettings,
  HubSettingsChange,
  ImportRequest,
  IObjectHead,
  IListOptions,
  MultipartList,
  ObjectDetails,
  ObjectList,
  OnConflict,
  PresignedUrl,
  PresignRequest,
  Preview,
  ProxySettings,
  ProxySettingsChange,
  IRepoOptions,
  RepoType,
  S3Settings,
  S3SettingsChange,
  StoredObject,
  StoredPart,
  TestReply,
  Transfer,
  TransferFiles,
  TransferList,
  TransferPlan,
  TransferRequest,
  Upload,
  UploadList,
  UploadRequest,
  Usage,
  VersionList
} from '../tokens';
import { encodeKey } from './keys';
import { putBlob, type IPutOptions } from './put';
import { ApiError, apiUrl, linkUrl, request } from './request';
import { readEvents, type IServerEvent } from './sse';

/** One stateless method for each endpoint. Every method rejects with an ApiError, or as its signal was aborted. */
export class OdhTecAPI {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  listBuckets(signal?: AbortSignal): Promise<BucketList> {
    return this._json('GET', '/buckets', undefined, signal);
  }

  async createBucket(bucketName: string): Promise<void> {
    await this._json('POST', '/buckets', { bucketName });
  }

  /** Only an empty one. */
  async deleteBucket(bucket: string): Promise<void> {
    await this._send('DELETE', `/buckets/${encodeURIComponent(bucket)}`);
  }

  /** One page of one level; with `search` one step of it, whose hits may be none although more are to come. */
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
      `${resourcePath('/objects', bucket, prefix)}?${query}`,
      undefined,
      options.signal
    );
  }

  /** One step of counting what is below a prefix; the sum of all steps is what it holds. */
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
    return this._json(
      'GET',
      `${resourcePath('/usage', bucket)}?${query}`,
      undefined,
      options.signal
    );
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
    const path = `${resourcePath('/objects/versions', bucket, key)}?${query}`;
    return this._json('GET', path, undefined, options.signal);
  }

  /** An older version becomes the newest; nothing is removed. */
  restoreVersion(bucket: string, key: string, versionId: string): Promise<StoredObject> {
    return this._json('POST', resourcePath('/objects/restore', bucket, key), { versionId });
  }

  /** Exactly this version, or this delete marker, for ever. */
  async deleteVersion(bucket: string, key: string, versionId: string): Promise<void> {
    await this._send('DELETE', resourcePath('/objects', bucket, key) + version(versionId));
  }

  presign(what: PresignRequest): Promise<PresignedUrl> {
    return this._json('POST', '/objects/presign', what);
  }

  getPreview(bucket: string, key: string, signal?: AbortSignal): Promise<Preview> {
    return this._json('GET', resourcePath('/objects/preview', bucket, key), undefined, signal);
  }

  /** A ZIP of these keys and of all below these prefixes, streamed; names are relative to `base`. */
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
    return linkUrl(this._settings, `${resourcePath('/archive', bucket)}?${query}`);
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
      `${resourcePath('/multipart', bucket)}?${query}`,
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

  /** Done at once, or, when a prefix is among them, a transfer to watch. */
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
      resourcePath('/objects/download', bucket, key) + version(versionId)
    );
  }

  viewUrl(bucket: string, key: string, versionId?: string): string {
    return linkUrl(this._settings, resourcePath('/objects/view', bucket, key) + version(versionId));
  }

  /** Resolves to whether it was stored (true) or, with `onConflict` skip, left alone (false). */
  async putObject(
    bucket: string,
    key: string,
    body: Blob,
    options: IPutOptions & { onConflict: OnConflict }
  ): Promise<boolean> {
    const path = `${resourcePath('/objects/upload', bucket, key)}?onConflict=${options.onConflict}`;
    const { status } = await putBlob(this._settings, apiUrl(this._settings, path), body, options);
    return status === 201;
  }

  /** Null when there is no such object. */
  async headObject(bucket: string, key: string): Promise<IObjectHead | null> {
    try {
      return headOf(await this._send('HEAD', resourcePath('/objects/download', bucket, key)));
    } catch (reason) {
      // A HEAD has no body: the status is all there is.
      if (ApiError.from(reason).status === 404) {
        return null;
      }
      throw reason;
    }
  }

  /** All bytes of an object, unless it has more than `limit`: then null in their place. */
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
      // The bytes broke off on their way.
      throw signal?.aborted ? reason : ApiError.unreachable();
    }
  }

  /** Replace exactly the object that has this ETag, or, with null, store one where none is; else 412. */
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

  listUploads(signal?: AbortSignal): Promise<UploadList> {
    return this._json('GET', '/uploads', undefined, signal);
  }

  createUpload(what: UploadRequest): Promise<Upload> {
    return this._json('POST', '/uploads', what);
  }

  getUpload(id: string): Promise<Upload> {
    return this._json('GET', `/uploads/${encodeURIComponent(id)}`);
  }

  /** Parts count from 1. With an `offset` a piece of one; null as long as more of the part is missing. */
  async putPart(
    id: string,
    part: number,
    body: Blob,
    options: IPutOptions & { offset?: number } = {}
  ): Promise<StoredPart | null> {
    const query = options.offset === undefined ? '' : `?offset=${options.offset}`;
    const url = apiUrl(this._settings, `/uploads/${encodeURIComponent(id)}/${part}${query}`);
    const { status, text } = await putBlob(this._settings, url, body, options);
    return status === 204 ? null : (JSON.parse(text) as StoredPart);
  }

  completeUpload(id: string): Promise<StoredObject> {
    return this._json('POST', `/uploads/${encodeURIComponent(id)}/complete`);
  }

  async abortUpload(id: string): Promise<void> {
    await this._send('DELETE', `/uploads/${encodeURIComponent(id)}`);
  }

  async getHubRepo(
    repo: string,
    options: IRepoOptions & { signal?: AbortSignal }
  ): Promise<HubRepo> {
    const query = new URLSearchParams({ repo, repoType: options.repoType });
    if (options.revision) {
      query.set('revision', options.revision);
    }
    const { signal, token } = options;
    // In a header: a URL is logged on its way.
    const headers = token ? { 'X-HF-Token': token } : undefined;
    const response = await request(this._settings, `/hub/repo?${query}`, { signal, headers });
    return (await response.json()) as HubRepo;
  }

  importFromHub(what: ImportRequest): Promise<Transfer> {
    return this._json('POST', '/objects/import-hf', what);
  }

  /** What an import would do with each file; nothing is written. */
  planImport(what: ImportRequest, signal?: AbortSignal): Promise<TransferPlan> {
    return this._json('POST', '/objects/import-hf', { ...what, dryRun: true }, signal);
  }

  async getHubRefs(
    repo: string,
    options: { repoType: RepoType; token?: string; signal?: AbortSignal }
  ): Promise<HubRefs> {
    const query = new URLSearchParams({ repo, repoType: options.repoType });
    const headers = options.token ? { 'X-HF-Token': options.token } : undefined;
    const { signal } = options;
    const response = await request(this._settings, `/hub/refs?${query}`, { signal, headers });
    return (await response.json()) as HubRefs;
  }

  startTransfer(what: TransferRequest): Promise<Transfer> {
    return this._json('POST', '/transfers', { ...what, dryRun: false });
  }

  /** What a transfer would do; nothing is written. */
  planTransfer(what: TransferRequest, signal?: AbortSignal): Promise<TransferPlan> {
    return this._json('POST', '/transfers', { ...what, dryRun: true }, signal);
  }

  listTransfers(signal?: AbortSignal): Promise<TransferList> {
    return this._json('GET', '/transfers', undefined, signal);
  }

  listTransferFiles(
    id: string,
    options: { state?: FileState; offset?: number; limit?: number; signal?: AbortSignal } = {}
  ): Promise<TransferFiles> {
    const { signal, ...window } = options;
    const given = Object.entries(window).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const path = `/transfers/${encodeURIComponent(id)}/files?${query}`;
    return this._json('GET', path, undefined, signal);
  }

  pauseTransfer(id: string): Promise<Transfer> {
    return this._json('POST', `/transfers/${encodeURIComponent(id)}/pause`);
  }

  resumeTransfer(id: string, what: ContinueRequest = {}): Promise<Transfer> {
    return this._json('POST', `/transfers/${encodeURIComponent(id)}/resume`, what);
  }

  retryTransfer(id: string, what: ContinueRequest = {}): Promise<Transfer> {
    return this._json('POST', `/transfers/${encodeURIComponent(id)}/retry`, what);
  }

  cancelTransfer(id: string): Promise<Transfer> {
    return this._json('POST', `/transfers/${encodeURIComponent(id)}/cancel`);
  }

  async removeTransfer(id: string): Promise<void> {
    await this._send('DELETE', `/transfers/${encodeURIComponent(id)}`);
  }

  /** The events of all transfers until the stream ends or the signal is aborted. */
  async *transferEvents(lastEventId: string, signal: AbortSignal): AsyncGenerator<IServerEvent> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (lastEventId) {
      headers['Last-Event-ID'] = lastEventId;
    }
    const response = await request(this._settings, '/transfers/events', { headers, signal });
    yield* readEvents(response.body!, lastEventId);
  }

  getS3Settings(): Promise<S3Settings> {
    return this._json('GET', '/settings/s3');
  }

  setS3Settings(change: S3SettingsChange): Promise<S3Settings> {
    return this._json('PUT', '/settings/s3', change);
  }

  testS3Settings(change: S3SettingsChange): Promise<TestReply> {
    return this._json('POST', '/settings/test-s3', change);
  }

  getHubSettings(): Promise<HubSettings> {
    return this._json('GET', '/settings/hf');
  }

  setHubSettings(change: HubSettingsChange): Promise<HubSettings> {
    return this._json('PUT', '/settings/hf', change);
  }

  testHubSettings(change: HubSettingsChange): Promise<TestReply> {
    return this._json('POST', '/settings/test-hf', change);
  }

  getProxySettings(): Promise<ProxySettings> {
    return this._json('GET', '/settings/proxy');
  }

  setProxySettings(change: ProxySettingsChange): Promise<ProxySettings> {
    return this._json('PUT', '/settings/proxy', change);
  }

  testProxySettings(change: ProxySettingsChange): Promise<TestReply> {
    return this._json('POST', '/settings/test-proxy', change);
  }

  getConcurrency(): Promise<ConcurrencySettings> {
    return this._json('GET', '/settings/max-concurrent-transfers');
  }

  setConcurrency(change: ConcurrencySettings): Promise<ConcurrencySettings> {
    return this._json('PUT', '/settings/max-concurrent-transfers', change);
  }

  private async _json<T>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal
  ): Promise<T> {
    const response = await this._send(method, path, body, signal);
    return (await response.json()) as T;
  }

  private _send(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal
  ): Promise<Response> {
    const json = body && JSON.stringify(body);
    return request(this._settings, path, { method, body: json, signal });
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

/** `/objects/…/bucket[/key]`; the top level of a bucket is named by leaving the key out. */
function resourcePath(route: string, bucket: string, key = ''): string {
  const path = `${route}/${encodeURIComponent(bucket)}`;
  return key === '' ? path : `${path}/${encodeKey(key)}`;
}

function version(versionId: string | undefined): string {
  return versionId === undefined ? '' : `?${new URLSearchParams({ versionId })}`;
}
