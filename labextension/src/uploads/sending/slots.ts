import { aborted } from './retry';

/** A limited number of parallel requests, first come, first served. */
export class Slots {
  constructor(private _free: number) {}

  /** Run the work in a slot. Aborting the signal ends the waiting. */
  async within<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this._acquire(signal);
    try {
      return await work();
    } finally {
      this._release();
    }
  }

  private _acquire(signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return Promise.reject(aborted());
    }
    if (this._free > 0) {
      this._free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const next = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this._waiting.delete(next);
        reject(aborted());
      };
      this._waiting.add(next);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private _release(): void {
    const [next] = this._waiting;
    if (next) {
      this._waiting.delete(next);
      next();
    } else {
      this._free += 1;
    }
  }

  private readonly _waiting = new Set<() => void>();
}
