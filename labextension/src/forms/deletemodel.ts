import type { IRow } from '../list/rows';
import { SizeCounter } from '../list/sizecounter';
import type { VersionList } from '../tokens';
import { FormModel } from './formmodel';

/** What a deletion would remove, counted while the user reads. The user need not wait for it. */
export class DeleteModel extends FormModel {
  constructor(private readonly _options: DeleteModel.IOptions) {
    super();
    this.counter = new SizeCounter(_options.server, _options.bucket, _options.rows);
    this.counter.stateChanged.connect(this.changed, this);
    void this.counter.start();
    void this._readVersioning();
  }

  readonly counter: SizeCounter;

  override dispose(): void {
    this.counter.dispose();
    super.dispose();
  }

  get rows(): readonly IRow[] {
    return this._options.rows;
  }

  get hasFolders(): boolean {
    return this.rows.some(({ kind }) => kind === 'folder');
  }

  /** Whether the bucket keeps versions; null until that is known. */
  get versioning(): VersionList['versioning'] | null {
    return this._versioning;
  }

  private async _readVersioning(): Promise<void> {
    const { server, bucket, rows } = this._options;
    try {
      const { versioning } = await server.listVersions(bucket, rows[0].key, {
        signal: this.closed
      });
      this._versioning = versioning;
    } catch {
      this._versioning = 'Unknown';
    }
    this.changed();
  }

  private _versioning: VersionList['versioning'] | null = null;
}

export namespace DeleteModel {
  export interface IServer extends SizeCounter.IServer {
    listVersions(
      bucket: string,
      key: string,
      options: { continuationToken?: string; signal?: AbortSignal }
    ): Promise<VersionList>;
  }

  export interface IOptions {
    server: IServer;
    bucket: string;
    rows: readonly IRow[];
  }
}
