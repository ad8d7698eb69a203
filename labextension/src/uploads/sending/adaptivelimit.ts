/** Small files in parallel at first. */
const FIRST_LIMIT = 2;
/** Files for each one in parallel before the throughput is compared. */
const FILES_PER_SLOT = 4;
/** A request costs about as much time as these bytes, so files of different sizes can be compared. */
const REQUEST_BYTES = 64 * 1024;
/** By which factor the throughput must grow for a higher limit to be kept. */
const MIN_GAIN = 1.2;
/** Comparisons before the next attempt with a higher limit. */
const ROUNDS_BEFORE_ATTEMPT = 8;
/** Requests that fail together count as one failure. */
const FAILURE_INTERVAL_MS = 1000;

/**
 * How many small files are sent in parallel: more while that makes the uploads faster, half as many after a server was
 * too busy or did not respond.
 */
export class AdaptiveLimit {
  constructor(private readonly _options: AdaptiveLimit.IOptions) {}

  get value(): number {
    return this._value;
  }

  /** Count a sent file; `isFull` says whether as many as possible were being sent. */
  finished(bytes: number, isFull: boolean): void {
    if (!isFull || !this._round) {
      this._startRound();
      return;
    }
    this._round.files += 1;
    this._round.bytes += bytes + REQUEST_BYTES;
    if (this._round.files >= FILES_PER_SLOT * this._value) {
      this._compare(this._round.bytes / Math.max(1, this._options.now() - this._round.start));
      this._startRound();
    }
  }

  /** Send half as many after a failure that a busy server or network explains. */
  failed(): void {
    const now = this._options.now();
    if (now - this._lastFailure >= FAILURE_INTERVAL_MS) {
      this._lastFailure = now;
      this._set(Math.floor(this._value / 2));
      this._wait();
    }
  }

  private _compare(rate: number): void {
    if (this._before && rate < MIN_GAIN * this._before.rate) {
      this._set(this._before.value);
      this._wait();
    } else if (--this._roundsLeft <= 0) {
      this._before = { value: this._value, rate };
      this._set(this._value * 2);
    }
  }

  private _set(value: number): void {
    this._value = Math.max(1, Math.min(value, this._options.max));
    this._round = null;
  }

  private _wait(): void {
    this._before = null;
    this._roundsLeft = ROUNDS_BEFORE_ATTEMPT;
  }

  private _startRound(): void {
    this._round = { start: this._options.now(), files: 0, bytes: 0 };
  }

  private _value = FIRST_LIMIT;
  /** The files sent since the last comparison. */
  private _round: { start: number; files: number; bytes: number } | null = null;
  /** The limit before it was raised, with its throughput. */
  private _before: { value: number; rate: number } | null = null;
  private _roundsLeft = 0;
  private _lastFailure = -Infinity;
}

export namespace AdaptiveLimit {
  export interface IOptions {
    /** The number of requests that the browser can send in parallel. */
    max: number;
    /** The time in milliseconds. */
    now: () => number;
  }
}
