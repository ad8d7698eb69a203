import type {
  BandwidthSettings,
  ConcurrencySettings,
  ConnectionList,
  ConnectionRequest,
  ConnectionSummary,
  ConnectionTest,
  ConnectionTestRequest,
  ContinueRequest,
  FileState,
  HubRefs,
  HubRepo,
  HubSettings,
  HubSettingsChange,
  IRepoOptions,
  ImportRequest,
  ProxySettings,
  ProxySettingsChange,
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
  UploadRequest
} from '../tokens';
import { inConnection } from './apiclient';
import { bucketAddress, splitBucket } from './bucketaddress';
import { putBlob, type IPutOptions } from './put';
import { apiUrl, request } from './request';
import { readEvents, type IServerEvent } from './sse';
import { StorageAPI } from './storage';

/**
 * One stateless method for each endpoint: those of buckets and objects from StorageAPI, and those of uploads, the hub,
 * transfers and settings. Every method rejects with an ApiError, or as its signal was aborted.
 */
export class OdhTecAPI extends StorageAPI {
  /** List the unfinished uploads to a connection, by default to the default one. */
  async listUploads(signal?: AbortSignal, connection = ''): Promise<UploadList> {
    const path = inConnection('/uploads', connection);
    const { uploads } = await this._json<UploadList>('GET', path, undefined, signal);
    return { uploads: uploads.map(upload => addressed(upload, connection)) };
  }

  async createUpload(what: UploadRequest): Promise<Upload> {
    const { connection, bucket } = splitBucket(what.bucket);
    const path = inConnection('/uploads', connection);
    return addressed(await this._json<Upload>('POST', path, { ...what, bucket }), connection);
  }

  /** Get an upload by its ID. Its bucket has no connection, because the ID alone identifies the upload. */
  getUpload(id: string): Promise<Upload> {
    return this._json('GET', `/uploads/${encodeURIComponent(id)}`);
  }

  /**
   * Parts count from 1. With an `offset`, only a piece of the part is sent; returns null until the part is complete.
   */
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
    // In a header, because proxies log URLs.
    const headers = token ? { 'X-HF-Token': token } : undefined;
    const response = await request(this._settings, `/hub/repo?${query}`, { signal, headers });
    return (await response.json()) as HubRepo;
  }

  importFromHub(what: ImportRequest): Promise<Transfer> {
    return this._import(what);
  }

  /** Return what an import would do with each file. Nothing is written. */
  planImport(what: ImportRequest, signal?: AbortSignal): Promise<TransferPlan> {
    return this._import({ ...what, dryRun: true }, signal);
  }

  private _import<T>(what: ImportRequest, signal?: AbortSignal): Promise<T> {
    const { connection, bucket } = splitBucket(what.bucket);
    const path = inConnection('/objects/import-hf', connection);
    return this._json('POST', path, { ...what, bucket }, signal);
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

  /** Return what a transfer would do. Nothing is written. */
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

  /** Yield the events of all transfers until the stream ends or the signal is aborted. */
  async *transferEvents(lastEventId: string, signal: AbortSignal): AsyncGenerator<IServerEvent> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (lastEventId) {
      headers['Last-Event-ID'] = lastEventId;
    }
    const response = await request(this._settings, '/transfers/events', { headers, signal });
    yield* readEvents(response.body!, lastEventId);
  }

  listConnections(signal?: AbortSignal): Promise<ConnectionList> {
    return this._json('GET', '/connections', undefined, signal);
  }

  /** Add a connection until the server stops. */
  addConnection(what: ConnectionRequest): Promise<ConnectionSummary> {
    return this._json('POST', '/connections', what);
  }

  async removeConnection(name: string): Promise<void> {
    await this._send('DELETE', `/connections/${encodeURIComponent(name)}`);
  }

  /** Save an added connection as an AWS profile, with its keys. */
  saveConnection(name: string): Promise<ConnectionSummary> {
    return this._json('POST', `/connections/${encodeURIComponent(name)}/save`);
  }

  /** Test a connection step by step, which takes up to a minute. */
  testConnection(
    name: string,
    what: ConnectionTestRequest,
    signal?: AbortSignal
  ): Promise<ConnectionTest> {
    return this._json('POST', `/connections/${encodeURIComponent(name)}/test`, what, signal);
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

  getBandwidth(): Promise<BandwidthSettings> {
    return this._json('GET', '/settings/max-bandwidth');
  }

  setBandwidth(change: BandwidthSettings): Promise<BandwidthSettings> {
    return this._json('PUT', '/settings/max-bandwidth', change);
  }
}

function addressed(upload: Upload, connection: string): Upload {
  return { ...upload, bucket: bucketAddress({ connection, bucket: upload.bucket }) };
}
