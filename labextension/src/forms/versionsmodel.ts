import type { ObjectVersion, StoredObject, VersionList } from '../tokens';
import { FormModel } from './formmodel';

/** The versions of one key, newest first, page by page. */
export class VersionsModel extends FormModel {
  constructor(private readonly _options: VersionsModel.IOptions) {
    super();
    void this.load();
  }

  get versions(): readonly ObjectVersion[] {
    return this._versions;
  }

  /** Whether the bucket keeps versions; null until it is known. */
  get versioning(): VersionList['versioning'] | null {
    return this._versioning;
  }

  get hasMore(): boolean {
    return this._token !== null;
  }

  /** The version whose deletion the user must confirm. */
  get pendingDelete(): string | null {
    return this._pendingDelete;
  }

  url(version: ObjectVersion, how: 'view' | 'download'): string {
    const { server, bucket, key } = this._options;
    return how === 'view'
      ? server.viewUrl(bucket, key, version.VersionId)
      : server.downloadUrl(bucket, key, version.VersionId);
  }

  async load(): Promise<void> {
    await this.run('loading', async () => this._read(null));
  }

  async loadMore(): Promise<void> {
    await this.run('loading', async () => this._read(this._token));
  }

  askDelete(versionId: string | null): void {
    this._pendingDelete = versionId;
    this.changed();
  }

  async restore(versionId: string): Promise<void> {
    await this._act(({ server, bucket, key }) => server.restoreVersion(bucket, key, versionId));
  }

  async remove(versionId: string): Promise<void> {
    this._pendingDelete = null;
    await this._act(({ server, bucket, key }) => server.deleteVersion(bucket, key, versionId));
  }

  private async _act(work: (options: VersionsModel.IOptions) => Promise<unknown>): Promise<void> {
    await this.run('acting', async () => {
      await work(this._options);
      this._options.onChanged();
      await this._read(null);
    });
  }

  private async _read(token: string | null): Promise<void> {
    const { server, bucket, key } = this._options;
    const page = await server.listVersions(bucket, key, {
      continuationToken: token ?? undefined,
      signal: this.closed
    });
    this._versioning = page.versioning;
    this._versions = token === null ? page.versions : [...this._versions, ...page.versions];
    this._token = page.nextContinuationToken;
  }

  private _versions: readonly ObjectVersion[] = [];
  private _versioning: VersionList['versioning'] | null = null;
  private _token: string | null = null;
  private _pendingDelete: string | null = null;
}

export namespace VersionsModel {
  export interface IServer {
    listVersions(
      bucket: string,
      key: string,
      options: { continuationToken?: string; signal?: AbortSignal }
    ): Promise<VersionList>;
    restoreVersion(bucket: string, key: string, versionId: string): Promise<StoredObject>;
    deleteVersion(bucket: string, key: string, versionId: string): Promise<void>;
    viewUrl(bucket: string, key: string, versionId?: string): string;
    downloadUrl(bucket: string, key: string, versionId?: string): string;
  }

  export interface IOptions {
    server: IServer;
    bucket: string;
    key: string;
    /** Called when the newest version has changed. */
    onChanged: () => void;
  }
}
