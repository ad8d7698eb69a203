import type { ServerConnection } from '@jupyterlab/services';

import { encodeKey } from './keys';
import { putBlob, type IPutOptions } from './put';
import { apiUrl, request } from './request';
import { readEvents, type IServerEvent } from './sse';
import type {
  BucketList,
  ConcurrencySettings,
  DeleteReply,
  DeleteRequest,
  HubRepo,
  HubSettings,
  HubSettingsChange,
  ImportRequest,
  ObjectList,
  OnConflict,
  ProxySettings,
  ProxySettingsChange,
  IRepoOptions,
  S3Settings,
  S3SettingsChange,
  StoredObject,
  TestReply,
  Transfer,
  TransferList
} from './tokens';

/** One stateless method for each endpoint. Every method rejects with an ApiError, or as its signal was aborted. */
export class OdhTecAPI {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  listBuckets(signal?: AbortSignal): Promise<BucketList> {
    return this._json('GET', '/buckets', undefined, signal);
  }

  async createBucket(bucketName: string): Promise<void> {
    await this._json('POST', '/buckets', { bucketName });
  }

  listObjects(
    bucket: string,
    prefix: string,
    options: { maxKeys?: number; continuationToken?: string; signal?: AbortSignal } = {}
  ): Promise<ObjectList> {
    const query = new URLSearchParams();
    if (options.maxKeys !== undefined) {
      query.set('maxKeys', String(options.maxKeys));
    }
    if (options.continuationToken !== undefined) {
      query.set('continuationToken', options.continuationToken);
    }
    return this._json(
      'GET',
      `${place('/objects', bucket, prefix)}?${query}`,
      undefined,
      options.signal
    );
  }

  createFolder(bucket: string, prefix: string): Promise<StoredObject> {
    return this._json('POST', place('/objects/folder', bucket), { prefix });
  }

  /** Done at once, or, when a prefix is among them, a transfer to watch. */
  async deleteObjects(
    bucket: string,
    which: DeleteRequest
  ): Promise<{ reply: DeleteReply } | { transfer: Transfer }> {
    const response = await this._send('DELETE', place('/objects/multiple', bucket), which);
    const body = await response.json();
    return response.status === 202 ? { transfer: body } : { reply: body };
  }

  downloadUrl(bucket: string, key: string): string {
    return apiUrl(this._settings, place('/objects/download', bucket, key));
  }

  viewUrl(bucket: string, key: string): string {
    return apiUrl(this._settings, place('/objects/view', bucket, key));
  }

  /** Resolves to whether it was stored (true) or, with `onConflict` skip, left alone (false). */
  async putObject(
    bucket: string,
    key: string,
    body: Blob,
    options: IPutOptions & { onConflict: OnConflict }
  ): Promise<boolean> {
    const path = `${place('/objects/upload', bucket, key)}?onConflict=${options.onConflict}`;
    const { status } = await putBlob(this._settings, apiUrl(this._settings, path), body, options);
    return status === 201;
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

  listTransfers(signal?: AbortSignal): Promise<TransferList> {
    return this._json('GET', '/transfers', undefined, signal);
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

/** `/objects/…/bucket[/key]`; the top level of a bucket is named by leaving the key out. */
function place(route: string, bucket: string, key = ''): string {
  const path = `${route}/${encodeURIComponent(bucket)}`;
  return key === '' ? path : `${path}/${encodeKey(key)}`;
}
