import type { RemainingObjects, TransferPlan } from '../tokens';

/** How a file of a repository compares to the object at its target. */
export type FileStatus = 'new' | 'identical' | 'differs' | 'refused' | 'unknown';

const STATUS: Record<string, FileStatus> = {
  create: 'new',
  skip: 'identical',
  conflict: 'differs',
  refuse: 'refused'
};

/** The server's dry run by path. It counts all files but names only the first ones. */
export class ImportPlan {
  constructor(
    private readonly _plan: TransferPlan,
    target: string
  ) {
    for (const { target: uri, what } of _plan.files) {
      if (uri.startsWith(target)) {
        this._known.set(uri.slice(target.length), STATUS[what] ?? 'unknown');
      }
    }
    // If all files have the same status, so do those that are not named.
    const kinds = Object.entries(_plan.counts).filter(([, count]) => count > 0);
    this._rest = kinds.length === 1 ? (STATUS[kinds[0][0]] ?? 'unknown') : 'unknown';
  }

  statusOf(path: string): FileStatus {
    return this._known.get(path) ?? this._rest;
  }

  /** Of all files of the repository. */
  get differing(): number {
    return this._plan.counts.conflict ?? 0;
  }

  /** Whether the status of some files is not known. */
  get partial(): boolean {
    return this._rest === 'unknown' && this._plan.filesTotal > this._known.size;
  }

  /** Objects that other revisions left at the target and that this revision does not have. */
  get remaining(): RemainingObjects | null {
    return this._plan.remaining ?? null;
  }

  mayConflict(chosen: ReadonlySet<string>): boolean {
    return (
      this.differing > 0 &&
      [...chosen].some(path => ['differs', 'unknown'].includes(this.statusOf(path)))
    );
  }

  private readonly _known = new Map<string, FileStatus>();
  private readonly _rest: FileStatus;
}
