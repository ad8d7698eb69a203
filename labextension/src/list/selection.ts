/** The parts of a list that the selection needs. */
export interface IOrderedKeys {
  readonly shown: readonly { readonly key: string }[];
  indexOf(key: string | null): number;
}

/** The selected rows and the focused row of a list. Rows are identified by key, so a reload keeps both. */
export class Selection {
  /** The row from which keyboard commands start. */
  get active(): string | null {
    return this._active;
  }

  get keys(): ReadonlySet<string> {
    return this._keys;
  }

  has(key: string): boolean {
    return this._keys.has(key);
  }

  /** The maximum number of selected rows. */
  get limit(): number {
    return this._limit;
  }

  /** Move the focus without changing the selection. */
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

  /** Select from the anchor, which is the last row selected alone, to this row. */
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

  /** Select these keys; the first one becomes the focus and the anchor. */
  set(keys: readonly string[]): void {
    this._keys = new Set(keys.slice(0, this._limit));
    this._anchor = keys[0] ?? null;
    this._active = this._anchor ?? this._active;
  }

  /** Limit the number of selected rows; the first ones of the list stay selected. */
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

  /** Clear selection and focus, for another folder. */
  reset(): void {
    this.clear();
    this._active = null;
  }

  /** Deselect rows that are no longer shown. The focus moves to the next row of the previous order. */
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
