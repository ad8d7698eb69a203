import type {
  AbortRequest,
  DeleteReply,
  KeyFailure,
  MultipartList,
  MultipartUpload
} from '../tokens';
import { FormModel } from './formmodel';

/** The maximum of one request. */
const MAX_UPLOADS_PER_REQUEST = 1000;

/** The incomplete multipart uploads of a bucket; their parts use storage that listings do not show. */
export class MultipartModel extends FormModel {
  constructor(private readonly _options: MultipartModel.IOptions) {
    super();
    void this.load();
  }

  get bucket(): string {
    return this._options.bucket;
  }

  get uploads(): readonly MultipartUpload[] {
    return this._uploads;
  }

  get hasMore(): boolean {
    return this._token !== null;
  }

  /** Whether the list has been read at all. */
  get loaded(): boolean {
    return this._loaded;
  }

  get ticked(): ReadonlySet<string> {
    return this._ticked;
  }

  /** The selected uploads that could not be removed. */
  get failures(): readonly KeyFailure[] {
    return this._failures;
  }

  get removed(): number {
    return this._removed;
  }

  /** Uploads in use are still running and cannot be selected. */
  tick(uploads: Iterable<MultipartUpload>, on: boolean): void {
    const ticked = new Set(this._ticked);
    for (const { UploadId, inUse } of uploads) {
      if (on && !inUse) {
        ticked.add(UploadId);
      } else {
        ticked.delete(UploadId);
      }
    }
    this._ticked = ticked;
    this.changed();
  }

  async load(): Promise<void> {
    await this.run('loading', () => this._read(null));
  }

  async loadMore(): Promise<void> {
    await this.run('loading', () => this._read(this._token));
  }

  async remove(): Promise<void> {
    this._failures = [];
    this._removed = 0;
    await this.run('removing', async () => {
      const { server, bucket } = this._options;
      const chosen = this._uploads.filter(({ UploadId }) => this._ticked.has(UploadId));
      for (let at = 0; at < chosen.length && !this.isDisposed; at += MAX_UPLOADS_PER_REQUEST) {
        const some = chosen.slice(at, at + MAX_UPLOADS_PER_REQUEST);
        const uploads = some.map(({ Key, UploadId }) => ({ Key, UploadId }));
        const { deleted, errors } = await server.abortMultiparts(bucket, { uploads });
        this._failures = [...this._failures, ...errors];
        this._removed += deleted.length;
        this.changed();
      }
      // A key may have several uploads, and the reply names keys only, so read from the store which are left.
      this._ticked = new Set();
      await this._read(null);
    });
  }

  private async _read(token: string | null): Promise<void> {
    const page = await this._options.server.listMultiparts(this.bucket, {
      continuationToken: token ?? undefined,
      signal: this.closed
    });
    this._uploads = token === null ? page.uploads : [...this._uploads, ...page.uploads];
    this._token = page.nextContinuationToken;
    this._loaded = true;
  }

  private _uploads: readonly MultipartUpload[] = [];
  private _ticked: ReadonlySet<string> = new Set();
  private _failures: readonly KeyFailure[] = [];
  private _token: string | null = null;
  private _loaded = false;
  private _removed = 0;
}

export namespace MultipartModel {
  export interface IServer {
    listMultiparts(
      bucket: string,
      options: { prefix?: string; continuationToken?: string; signal?: AbortSignal }
    ): Promise<MultipartList>;
    abortMultiparts(bucket: string, which: AbortRequest): Promise<DeleteReply>;
  }

  export interface IOptions {
    server: IServer;
    bucket: string;
  }
}
