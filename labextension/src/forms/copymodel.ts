import { parentPrefix, s3Uri } from '../api/keys';
import { ApiError } from '../api/request';
import { groupByFolder, type IFolderGroup } from '../list/changes/groupbyfolder';
import type { IRow } from '../list/rows';
import type {
  ConnectionSummary,
  OnConflict,
  Transfer,
  TransferPlan,
  TransferRequest
} from '../tokens';
import { FolderChooser } from './folderchooser';
import { FormModel, LatestRequest } from './formmodel';

const TYPING_DELAY_MS = 400;
/** Dry runs that are requested in parallel. */
const MAX_PARALLEL_PLANS = 4;

/** What copying or moving would do, summed over all selected rows. */
export interface ICopyPlan {
  files: number;
  bytes: number;
  conflicts: number;
  /** Objects that already exist and are identical. */
  identical: number;
  refused: number;
  /** Why the first of the refused objects cannot be stored. */
  why: string | null;
}

/**
 * A copy or move of rows to another folder: target, existing objects, conflicts. Rows of one folder are one transfer.
 */
export class CopyModel extends FormModel {
  constructor(private readonly _options: CopyModel.IOptions) {
    super();
    this._rows = _options.rows;
    this.chooser = new FolderChooser(_options);
    this.chooser.stateChanged.connect(this._onTarget, this);
    this._onTarget();
  }

  readonly chooser: FolderChooser;

  override dispose(): void {
    this.chooser.dispose();
    super.dispose();
  }

  get action(): 'copy' | 'move' {
    return this._options.action;
  }

  /** Those that have not been started yet. */
  get rows(): readonly IRow[] {
    return this._rows;
  }

  get target(): string {
    return s3Uri(this.chooser.bucket, this.chooser.prefix);
  }

  /** Why the target is not valid. */
  get targetProblem(): 'nowhere' | 'same' | 'inside' | null {
    const { bucket, bucketName, prefix } = this.chooser;
    if (!bucketName) {
      return 'nowhere';
    }
    if (bucket !== this._options.bucket) {
      return null;
    }
    if (this._rows.some(({ kind, key }) => kind === 'folder' && prefix.startsWith(key))) {
      return 'inside';
    }
    return this._rows.some(({ key }) => parentPrefix(key) === prefix) ? 'same' : null;
  }

  get plan(): ICopyPlan | null {
    return this._plan;
  }

  get planning(): boolean {
    return this._planning;
  }

  get planError(): ApiError | null {
    return this._planError;
  }

  /** Until the existing objects are known, the choice may matter. */
  get asksConflict(): boolean {
    return this.targetProblem === null && (this._planning || !!this._plan?.conflicts);
  }

  get onConflict(): OnConflict {
    return this._onConflict;
  }

  get ready(): boolean {
    return (
      this.busy === null && this.targetProblem === null && (this._planning || this._plan !== null)
    );
  }

  setOnConflict(onConflict: OnConflict): void {
    this._onConflict = onConflict;
    this.changed();
  }

  /** Start all transfers. If one is refused, those already started continue. */
  async start(onStarted: (transfer: Transfer) => void): Promise<boolean> {
    if (!this.ready) {
      return false;
    }
    const onConflict = this.asksConflict ? this._onConflict : 'fail';
    return this.run('starting', async () => {
      while (this._rows.length && !this.isDisposed) {
        const [{ keys, request }] = this._groups();
        const what = { action: this.action, ...request, onConflict };
        onStarted(await this._options.server.startTransfer(what));
        const gone = new Set(keys);
        this._rows = this._rows.filter(({ key }) => !gone.has(key));
      }
    });
  }

  private _onTarget(): void {
    if (this.target !== this._planned) {
      this._planned = this.target;
      void this._makePlan();
    }
    this.changed();
  }

  private _groups(): IFolderGroup[] {
    const keys = this._rows.map(({ key }) => key);
    return groupByFolder(s3Uri(this._options.bucket, ''), keys, this.target);
  }

  private async _makePlan(): Promise<void> {
    const signal = this._planner.next();
    this._plan = this._planError = null;
    this._planning = this.targetProblem === null;
    if (!this._planning) {
      return;
    }
    const sum: ICopyPlan = {
      files: 0,
      bytes: 0,
      conflicts: 0,
      identical: 0,
      refused: 0,
      why: null
    };
    const left = this._groups();
    const planNext = async () => {
      for (let one = left.shift(); one && !signal.aborted; one = left.shift()) {
        const what = { action: this.action, ...one.request, onConflict: 'fail' as const };
        add(sum, await this._options.server.planTransfer(what, signal));
      }
    };
    try {
      await this._options.sleep(TYPING_DELAY_MS, signal);
      await Promise.all(Array.from({ length: MAX_PARALLEL_PLANS }, planNext));
    } catch (reason) {
      left.length = 0;
      this._planError = signal.aborted ? this._planError : ApiError.from(reason);
    }
    if (!signal.aborted) {
      this._plan = this._planError ? null : sum;
      this._planning = false;
      this.changed();
    }
  }

  private readonly _planner = new LatestRequest(this.closed);
  private _rows: readonly IRow[];
  private _planned: string | null = null;
  private _plan: ICopyPlan | null = null;
  private _planning = false;
  private _planError: ApiError | null = null;
  private _onConflict: OnConflict = 'skip';
}

function add(sum: ICopyPlan, { counts, filesTotal, bytesTotal, files }: TransferPlan): void {
  sum.files += filesTotal;
  sum.bytes += bytesTotal;
  sum.conflicts += counts.conflict ?? 0;
  sum.identical += counts.skip ?? 0;
  sum.refused += counts.refuse ?? 0;
  sum.why ??= files.find(({ what }) => what === 'refuse')?.error?.message ?? null;
}

export namespace CopyModel {
  export interface IServer extends FolderChooser.IServer {
    planTransfer(what: TransferRequest, signal?: AbortSignal): Promise<TransferPlan>;
    startTransfer(what: TransferRequest): Promise<Transfer>;
  }

  export interface IOptions {
    server: IServer;
    action: 'copy' | 'move';
    bucket: string;
    /** The initial folder: the one that contains the rows. */
    prefix: string;
    rows: readonly IRow[];
    /** The connections that can be the target; none if there is no choice. */
    connections?: readonly ConnectionSummary[];
    sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  }
}
