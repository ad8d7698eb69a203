import type { HubRefs, HubRepo, HubSettings, IRepoOptions, RepoType } from '../tokens';
import { FormModel, LatestRequest } from './formmodel';

/** Errors that another token may resolve. */
const TOKEN_CODES = ['GatedRepo', 'RepoNotFound', 'InvalidToken', 'HubForbidden', 'NoToken'];

const REPO_NAME = /^[\w.-]+(\/[\w.-]+)?$/;

/** What is looked up. */
export interface IRepoQuery {
  repo: string;
  repoType: RepoType;
  /** Empty for the hub's default. */
  revision: string;
  token: string;
}

/** A repository lookup: the query and its result. */
export abstract class RepoLookup extends FormModel {
  constructor(private readonly _hub: RepoLookup.IServer) {
    super();
    void this._readEndpoint();
  }

  get query(): IRepoQuery {
    return this._query;
  }

  /** The repository of the last reply, until the query names another one. */
  get found(): HubRepo | null {
    return this._found;
  }

  /** Whether the result belongs to the current query. */
  get current(): boolean {
    return this._found !== null && this._foundQuery === this._query;
  }

  get refs(): HubRefs | null {
    return this._refs;
  }

  /** Whether a token may help, or one was entered. */
  get asksToken(): boolean {
    const refused = this._found !== null && !this._found.accessible;
    const { error } = this;
    return refused || !!this._query.token || (!!error && TOKEN_CODES.includes(error.code));
  }

  /** The repository's page on the hub in use. */
  get pageUrl(): string | null {
    const { repo, repoType } = this._found ?? this._query;
    const folder = repoType === 'model' ? '' : `${repoType}s/`;
    return this._endpoint && REPO_NAME.test(repo) ? `${this._endpoint}/${folder}${repo}` : null;
  }

  setQuery(change: Partial<IRepoQuery>): void {
    const before = this._query;
    this._query = { ...before, ...change };
    this._lookups.stop();
    this.setError(null);
    if (before.repo !== this._query.repo || before.repoType !== this._query.repoType) {
      this._found = this._foundQuery = this._refs = null;
      this.onRepoCleared();
    }
    this.changed();
  }

  async lookUp(): Promise<void> {
    this._lookups.stop();
    await this._pendingLookup;
    if (this._query.repo.trim()) {
      this._pendingLookup = this._lookUp(this._query);
      await this._pendingLookup;
    }
  }

  /** Cancel the lookup. */
  cancelLookup(): void {
    this._lookups.stop();
  }

  /** A lookup has started; anything derived from the last reply is outdated. */
  protected abstract onLookupStarted(): void;

  /** A reply has arrived; `before` is the previous repository, if any. */
  protected abstract onRepoChanged(before: HubRepo | null): void;

  /** The repository is accessible. */
  protected abstract onRepoReady(): void;

  /** The query names another repository. */
  protected abstract onRepoCleared(): void;

  private async _lookUp(query: IRepoQuery): Promise<void> {
    const { repo, repoType, revision, token } = query;
    const signal = this._lookups.next();
    this.onLookupStarted();
    await this.run('looking', async () => {
      try {
        const found = await this._hub.getHubRepo(repo.trim(), {
          repoType,
          revision: revision.trim() || undefined,
          token: token || undefined,
          signal
        });
        this._setFound(found);
      } catch (reason) {
        // The user cancelled it.
        if (!signal.aborted) {
          throw reason;
        }
      }
    });
    if (this.current) {
      void this._readRefs(signal);
      this.onRepoReady();
    }
  }

  private _setFound(found: HubRepo): void {
    const before = this._found;
    this._found = found;
    // A pasted address contains more than the fields; copy it to them.
    if (this._query.repo.trim() !== found.repo) {
      const { repo, repoType, revision } = found;
      this._query = { ...this._query, repo, repoType, revision };
    }
    this._foundQuery = this._query;
    this.onRepoChanged(before);
  }

  private async _readRefs(signal: AbortSignal): Promise<void> {
    const { repo, repoType } = this._found!;
    const { token } = this._query;
    try {
      const options = { repoType, token: token || undefined, signal };
      this._refs = await this._hub.getHubRefs(repo, options);
      this.changed();
    } catch {
      // The user can still enter a revision.
    }
  }

  private async _readEndpoint(): Promise<void> {
    try {
      const { hfEndpoint } = await this._hub.getHubSettings();
      // It becomes a link, so accept web addresses only.
      this._endpoint = /^https?:\/\//.test(hfEndpoint)
        ? hfEndpoint.replace(/(?<!\/)\/+$/, '')
        : null;
      this.changed();
    } catch {
      // The lookup reports what is wrong.
    }
  }

  private readonly _lookups = new LatestRequest(this.closed);
  private _pendingLookup: Promise<void> = Promise.resolve();
  private _query: IRepoQuery = { repo: '', repoType: 'model', revision: '', token: '' };
  private _foundQuery: IRepoQuery | null = null;
  private _found: HubRepo | null = null;
  private _refs: HubRefs | null = null;
  private _endpoint: string | null = null;
}

export namespace RepoLookup {
  export interface IServer {
    getHubRepo(repo: string, options: IRepoOptions & { signal?: AbortSignal }): Promise<HubRepo>;
    getHubRefs(
      repo: string,
      options: { repoType: RepoType; token?: string; signal?: AbortSignal }
    ): Promise<HubRefs>;
    getHubSettings(): Promise<HubSettings>;
  }
}
