import { s3Uri } from '../api/keys';
import { ApiError } from '../api/request';
import type {
  HubFile,
  HubRepo,
  ImportRequest,
  OnConflict,
  RemainingObjects,
  Transfer,
  TransferPlan
} from '../tokens';
import {
  asPatterns,
  byPatterns,
  chosenPaths,
  EVERYTHING,
  tick,
  type IFileChoice
} from './filechoice';
import { LatestRequest } from './formmodel';
import { ImportPlan, type FileStatus } from './importplan';
import { RepoLookup } from './repolookup';

/** Wait until the user pauses typing before asking the server. */
const TYPING_DELAY_MS = 400;

/** An import before it starts: the repository, the selected files, the target and what already exists there. */
export class ImportModel extends RepoLookup {
  constructor(private readonly _options: ImportModel.IOptions) {
    super(_options.server);
    this._base = _options.prefix;
  }

  get bucket(): string {
    return this._options.bucket;
  }

  get choice(): IFileChoice {
    return this._choice;
  }

  get chosen(): ReadonlySet<string> {
    this._chosen ??= chosenPaths(this.found?.files ?? [], this._choice);
    return this._chosen;
  }

  get chosenFiles(): HubFile[] {
    return (this.found?.files ?? []).filter(({ path }) => this.chosen.has(path));
  }

  /** The folder that was shown when the dialog was opened. */
  get startFolder(): string {
    return this._options.prefix;
  }

  /** The folder that contains the target: where the user was, or the top level. */
  get base(): string {
    return this._base;
  }

  get prefix(): string {
    return this._prefix ?? this._base + (this.found?.repo ?? '');
  }

  /** The URI of the target, as model servers expect it. */
  get target(): string {
    return s3Uri(this.bucket, this.prefix && `${this.prefix.replace(/\/$/, '')}/`);
  }

  /** What would happen to each file; null until that is known. */
  get plan(): ImportPlan | null {
    return this._plan;
  }

  get planning(): boolean {
    return this._planning;
  }

  get planError(): ApiError | null {
    return this._planError;
  }

  statusOf(path: string): FileStatus {
    return this._plan?.statusOf(path) ?? 'unknown';
  }

  /** The number of selected files with this status. Files whose status is not known are not counted. */
  count(status: FileStatus): number {
    return this.chosenFiles.filter(({ path }) => this.statusOf(path) === status).length;
  }

  /** Whether existing objects may conflict with the selected files. */
  get asksConflict(): boolean {
    return this._plan !== null && this._plan.mayConflict(this.chosen);
  }

  get onConflict(): OnConflict {
    return this._onConflict;
  }

  /** Whether objects of other revisions are deleted after all files have arrived. */
  get removesRemaining(): boolean {
    return this._removesRemaining;
  }

  get ready(): boolean {
    return this.busy === null && this.current && this.found!.accessible && this.chosen.size > 0;
  }

  choose(choice: IFileChoice): void {
    this._choice = choice;
    this._chosen = null;
    this.changed();
  }

  tick(paths: Iterable<string>, on: boolean): void {
    this.choose(tick(this._choice, paths, on));
  }

  chooseAll(): void {
    this.choose(EVERYTHING);
  }

  choosePatterns(include: readonly string[], exclude: readonly string[]): void {
    this.choose(byPatterns(include, exclude));
  }

  /** Select the files that are not in the bucket yet. Objects that are different are not changed. */
  chooseNew(): void {
    const there = (this.found?.files ?? [])
      .map(({ path }) => path)
      .filter(path => ['identical', 'differs'].includes(this.statusOf(path)));
    this._onConflict = 'skip';
    this.choose(tick(EVERYTHING, there, false));
  }

  setPrefix(prefix: string): void {
    this._prefix = prefix;
    this._forgetPlan();
    this.changed();
    void this._makePlan(TYPING_DELAY_MS);
  }

  /** Move the repository's folder into another folder. */
  setBase(base: string): void {
    this._base = base;
    this._prefix = null;
    this._forgetPlan();
    this.changed();
    void this._makePlan(0);
  }

  setOnConflict(onConflict: OnConflict): void {
    this._onConflict = onConflict;
    this.changed();
  }

  setRemoveRemaining(on: boolean): void {
    this._removesRemaining = on;
    this.changed();
  }

  async start(): Promise<Transfer | null> {
    if (!this.ready) {
      return null;
    }
    let started: Transfer | null = null;
    const worked = await this.run('starting', async () => {
      // Without conflicts the user decided nothing, so an object that appears later is an error.
      const onConflict = this.asksConflict ? this._onConflict : 'fail';
      const patterns = asPatterns(this.found!.files, this._choice);
      const remaining = this._removesRemaining ? this._plan?.remaining : null;
      started = await this._options.server.importFromHub({
        ...this._request(),
        ...patterns,
        ...(remaining && { remove: remaining.objects }),
        onConflict
      });
    });
    if (!worked && !this.isDisposed) {
      void this._makePlan(0);
    }
    return started;
  }

  protected onLookupStarted(): void {
    this._planner.stop();
    this._planning = false;
  }

  protected onRepoChanged(before: HubRepo | null): void {
    const { include, exclude } = this._choice;
    this._forgetPlan();
    this._chosen = null;
    if (before?.commit !== this.found?.commit) {
      this._choice = byPatterns(include, exclude);
    }
    // A pasted address of a folder or a file selects just that.
    if (this.found?.chosen.length) {
      this._choice = byPatterns(this.found.chosen, []);
    }
  }

  protected onRepoReady(): void {
    void this._makePlan(0);
  }

  protected onRepoCleared(): void {
    this.onLookupStarted();
    this._prefix = this._planError = null;
    this._forgetPlan();
    this.chooseAll();
  }

  /** The user's consent to delete leftover objects was for the old plan. */
  private _forgetPlan(): void {
    this._plan = null;
    this._removesRemaining = false;
  }

  /** The commit that was looked up, so that exactly the files shown are imported. */
  private _request(): ImportRequest {
    const { repo, repoType, commit } = this.found!;
    const { token } = this.query;
    const { bucket, prefix } = this;
    const where = { bucket, prefix: prefix.replace(/\/$/, '') };
    return { repo, repoType, revision: commit, ...where, ...(token && { token }) };
  }

  private async _makePlan(wait: number): Promise<void> {
    const signal = this._planner.next();
    this._planning = this.current && this.found!.accessible;
    if (!this._planning) {
      return;
    }
    this._planError = null;
    this.changed();
    try {
      await this._options.sleep(wait, signal);
      if (signal.aborted) {
        return;
      }
      const made = await this._options.server.planImport(
        { ...this._request(), onConflict: 'fail' },
        signal
      );
      if (!signal.aborted) {
        const agreed = this._plan?.remaining;
        this._plan = new ImportPlan(made, this.target);
        // After a failed start, the leftover objects may differ from those the user agreed to delete.
        this._removesRemaining &&= isSame(agreed, this._plan.remaining);
      }
    } catch (reason) {
      if (!signal.aborted) {
        this._planError = ApiError.from(reason);
      }
    }
    if (!signal.aborted) {
      this._planning = false;
      this.changed();
    }
  }

  private readonly _planner = new LatestRequest(this.closed);
  private _choice = EVERYTHING;
  private _chosen: ReadonlySet<string> | null = null;
  private _base: string;
  private _prefix: string | null = null;
  private _plan: ImportPlan | null = null;
  private _planning = false;
  private _planError: ApiError | null = null;
  private _onConflict: OnConflict = 'skip';
  private _removesRemaining = false;
}

function isSame(one?: RemainingObjects | null, other?: RemainingObjects | null): boolean {
  return JSON.stringify(one?.objects) === JSON.stringify(other?.objects);
}

export namespace ImportModel {
  export interface IServer extends RepoLookup.IServer {
    planImport(what: ImportRequest, signal?: AbortSignal): Promise<TransferPlan>;
    importFromHub(what: ImportRequest): Promise<Transfer>;
  }

  export interface IOptions {
    server: IServer;
    bucket: string;
    /** The folder that is shown. */
    prefix: string;
    /** Wait, or return immediately when the signal is aborted. */
    sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  }
}
