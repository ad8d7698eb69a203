/** The rows of a list as the selection needs them. */
export interface IOrderedKeys {
  readonly shown: readonly { readonly key: string }[];
  indexOf(key: string | null): number;
}

/** Which rows of a list are selected, and which one has the focus. Rows are known by key, so a reload keeps both. */
export class Selection {
  /** The row that keyboard commands start from. */
  get active(): string | null {
    return this._active;
  }

  get keys(): ReadonlySet<string> {
    return this._keys;
  }

  has(key: string): boolean {
    return this._keys.has(key);
  }

  /** How many rows may be selected at most. */
  get limit(): number {
    return this._limit;
  }

  /** Move the focus, leaving the selection alone. */
  focus(key: string): void {
    this._active = key;
  }

  /** Select one row and nothing else. */
  only(key: string): void {
    this._keys = new Set([key]);
    this._active = this._anchor = key;
  }

  toggle(key: string): void {
    const keys = new Set(this._keys);
    if (!keys.delete(key)) {
      keys.add(key);
    }
    this._keys = keys.size > this._limit ? new Set([...keys].slice(-this._limit)) : keys;
    this._active = this._anchor = key;
  }

  /** Select from the anchor, where the last plain selection was, to this row. */
  extend(rows: IOrderedKeys, key: string): void {
    const to = rows.indexOf(key);
    const from = this._anchor === null ? to : Math.max(0, rows.indexOf(this._anchor));
    const start = Math.max(Math.min(from, to), to - this._limit + 1);
    const range = rows.shown.slice(start, Math.min(Math.max(from, to) + 1, start + this._limit));
    this._keys = new Set(range.map(row => row.key));
    this._active = key;
    this._anchor ??= key;
  }

  all(keys: readonly string[]): void {
    if (this._limit > 1) {
      this._keys = new Set(keys.slice(0, this._limit));
      this._active ??= keys[0] ?? null;
    }
  }

  /** Select these, which somebody else has chosen, and go on from the first. */
  set(keys: readonly string[]): void {
    this._keys = new Set(keys.slice(0, this._limit));
    this._anchor = keys[0] ?? null;
    this._active = this._anchor ?? this._active;
  }

  /** Allow so many rows; of those that are selected the first ones of the list stay. */
  setLimit(limit: number, rows: IOrderedKeys): void {
    this._limit = limit;
    if (this._keys.size > limit) {
      this.set([...this._keys].sort((a, b) => rows.indexOf(a) - rows.indexOf(b)));
    }
  }

  clear(): void {
    this._keys = new Set();
    this._anchor = null;
  }

  /** Nothing selected, nothing focused: for another folder. */
  reset(): void {
    this.clear();
    this._active = null;
  }

  /** Forget rows that are not shown any more; the focus goes to the next one of the order in which they were. */
  retain(now: IOrderedKeys, before: IOrderedKeys = now): void {
    const stays = (key: string) => now.indexOf(key) >= 0;
    for (const key of this._keys) {
      if (!stays(key)) {
        this._keys.delete(key);
      }
    }
    if (this._active !== null && !stays(this._active)) {
      this._active = neighbour(before.shown, before.indexOf(this._active), stays);
    }
    if (this._anchor !== null && !stays(this._anchor)) {
      this._anchor = null;
    }
  }

  private _keys = new Set<string>();
  private _limit = Infinity;
  private _active: string | null = null;
  private _anchor: string | null = null;
}

function neighbour(
  rows: IOrderedKeys['shown'],
  index: number,
  stays: (key: string) => boolean
): string | null {
  if (index < 0) {
    return null;
  }
  for (let next = index + 1; next < rows.length; next++) {
    if (stays(rows[next].key)) {
      return rows[next].key;
    }
  }
  for (let last = index - 1; last >= 0; last--) {
    if (stays(rows[last].key)) {
      return rows[last].key;
    }
  }
  return null;
}
