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
    this._keys = keys;
    this._active = this._anchor = key;
  }

  /** Select from the anchor, where the last plain selection was, to this row. */
  extend(order: readonly string[], key: string): void {
    const to = order.indexOf(key);
    const from = Math.max(0, this._anchor === null ? to : order.indexOf(this._anchor));
    this._keys = new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1));
    this._active = key;
    this._anchor ??= key;
  }

  all(order: readonly string[]): void {
    this._keys = new Set(order);
    this._active ??= order[0] ?? null;
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

  /** Forget rows that are gone; the focus goes to the next one of the order in which they were. */
  retain(order: readonly string[], before: readonly string[] = []): void {
    const present = new Set(order);
    this._keys = new Set([...this._keys].filter(key => present.has(key)));
    if (this._active !== null && !present.has(this._active)) {
      const at = before.indexOf(this._active);
      const stays = (key: string) => present.has(key);
      this._active =
        before.slice(at + 1).find(stays) ?? before.slice(0, at).reverse().find(stays) ?? null;
    }
    if (this._anchor !== null && !present.has(this._anchor)) {
      this._anchor = null;
    }
  }

  private _keys: ReadonlySet<string> = new Set();
  private _active: string | null = null;
  private _anchor: string | null = null;
}
