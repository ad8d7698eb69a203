import { FormModel, Latest } from './formmodel';
import type { HubRefs, HubRepo, HubSettings, IRepoOptions, RepoType } from '../tokens';

/** Refusals after which another token may help. */
const TOKEN_CODES = ['GatedRepo', 'RepoNotFound', 'InvalidToken', 'HubForbidden', 'NoToken'];

const NAME = /^[\w.-]+(\/[\w.-]+)?$/;

/** What is looked up. */
export interface IQuestion {
  repo: string;
  repoType: RepoType;
  /** Empty: the hub's default. */
  revision: string;
  token: string;
}

/** A repository that is looked up: what was asked, and what was found. */
export abstract class RepoLookup extends FormModel {
  constructor(private readonly _hub: RepoLookup.IServer) {
    super();
    void this._readEndpoint();
  }

  get question(): IQuestion {
    return this._question;
  }

  /** The repository of the last answer, until another one is named. */
  get found(): HubRepo | null {
    return this._found;
  }

  /** Whether what was found is what the fields say now. */
  get current(): boolean {
    return this._found !== null && this._asked === this._question;
  }

  get refs(): HubRefs | null {
    return this._refs;
  }

  /** Whether a token may help, or one was typed. */
  get asksToken(): boolean {
    const refused = this._found !== null && !this._found.accessible;
    const { error } = this;
    return refused || !!this._question.token || (!!error && TOKEN_CODES.includes(error.code));
  }

  /** The repository's page at the hub in use. */
  get pageUrl(): string | null {
    const { repo, repoType } = this._found ?? this._question;
    const folder = repoType === 'model' ? '' : `${repoType}s/`;
    return this._endpoint && NAME.test(repo) ? `${this._endpoint}/${folder}${repo}` : null;
  }

  ask(change: Partial<IQuestion>): void {
    const before = this._question;
    this._question = { ...before, ...change };
    this._asking.stop();
    this.setError(null);
    if (before.repo !== this._question.repo || before.repoType !== this._question.repoType) {
      this._found = this._asked = this._refs = null;
      this.onForgotten();
    }
    this.changed();
  }

  async lookUp(): Promise<void> {
    this._asking.stop();
    await this._looking;
    if (this._question.repo.trim()) {
      this._looking = this._lookUp(this._question);
      await this._looking;
    }
  }

  /** Stop waiting for an answer. */
  stopLooking(): void {
    this._asking.stop();
  }

  /** A question goes out: what was made of the last answer is out of date. */
  protected abstract onAsked(): void;

  /** An answer came in; before it there was another one, or none. */
  protected abstract onTaken(before: HubRepo | null): void;

  /** It can be used. */
  protected abstract onFound(): void;

  /** Another repository is meant. */
  protected abstract onForgotten(): void;

  private async _lookUp(question: IQuestion): Promise<void> {
    const { repo, repoType, revision, token } = question;
    const signal = this._asking.next();
    this.onAsked();
    await this.run('looking', async () => {
      try {
        const found = await this._hub.getHubRepo(repo.trim(), {
          repoType,
          revision: revision.trim() || undefined,
          token: token || undefined,
          signal
        });
        this._take(found);
      } catch (reason) {
        // Taken back by the user, who knows it.
        if (!signal.aborted) {
          throw reason;
        }
      }
    });
    if (this.current) {
      void this._readRefs(signal);
      this.onFound();
    }
  }

  private _take(found: HubRepo): void {
    const before = this._found;
    this._found = found;
    // A pasted address says more than the fields, which say the same from now on.
    if (this._question.repo.trim() !== found.repo) {
      const { repo, repoType, revision } = found;
      this._question = { ...this._question, repo, repoType, revision };
    }
    this._asked = this._question;
    this.onTaken(before);
  }

  private async _readRefs(signal: AbortSignal): Promise<void> {
    const { repo, repoType } = this._found!;
    const { token } = this._question;
    try {
      const options = { repoType, token: token || undefined, signal };
      this._refs = await this._hub.getHubRefs(repo, options);
      this.changed();
    } catch {
      // A revision can still be typed.
    }
  }

  private async _readEndpoint(): Promise<void> {
    try {
      const { hfEndpoint } = await this._hub.getHubSettings();
      // It becomes a link: nothing but an address may stand there.
      this._endpoint = /^https?:\/\//.test(hfEndpoint)
        ? hfEndpoint.replace(/(?<!\/)\/+$/, '')
        : null;
      this.changed();
    } catch {
      // The look-up tells what is wrong.
    }
  }

  private readonly _asking = new Latest(this.closed);
  private _looking: Promise<void> = Promise.resolve();
  private _question: IQuestion = { repo: '', repoType: 'model', revision: '', token: '' };
  private _asked: IQuestion | null = null;
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
