/** Bytes per second over the last seconds. The clock is injected. */
const WINDOW_MS = 5000;

export class RateMeter {
  constructor(private readonly _now: () => number) {}

  add(bytesDone: number): void {
    const now = this._now();
    this._samples.push([now, bytesDone]);
    while (this._samples.length > 2 && now - this._samples[0][0] > WINDOW_MS) {
      this._samples.shift();
    }
  }

  /** Null until it can be estimated. */
  get rate(): number | null {
    const first = this._samples[0];
    const last = this._samples[this._samples.length - 1];
    // Under 250 ms the rate is too noisy. After a retry the number of bytes decreases: no rate then.
    if (!first || last[0] - first[0] < 250 || last[1] <= first[1]) {
      return null;
    }
    return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }

  reset(): void {
    this._samples = [];
  }

  private _samples: [number, number][] = [];
}
