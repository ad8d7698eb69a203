import { isAfter, nameIn } from '../api/keys';
import type { ObjectList } from '../tokens';
import { BY_NAME, type IOrder } from './order';

export interface IRow {
  kind: 'folder' | 'file';
  /** The object's key, or the folder's prefix with its slash. */
  key: string;
  /** The name relative to the prefix of the list; for a search's hit, its whole relative path. */
  name: string;
  size?: number;
  modified?: Date;
  storageClass?: string;
}

/** A row in a form for lists of a million: derived values are computed on access. */
export class Row implements IRow {
  constructor(
    readonly kind: IRow['kind'],
    readonly key: string,
    private readonly _prefix: string,
    /** The position in the store's order, within its kind. */
    readonly position: number,
    readonly size?: number,
    /** The modification time in milliseconds. */
    readonly time?: number,
    readonly storageClass?: string
  ) {}

  get name(): string {
    return nameIn(this._prefix, this.key);
  }

  get modified(): Date | undefined {
    return this.time === undefined ? undefined : new Date(this.time);
  }

  /** Return a copy at another position. */
  at(position: number): Row {
    return new Row(
      this.kind,
      this.key,
      this._prefix,
      position,
      this.size,
      this.time,
      this.storageClass
    );
  }
}

/**
 * The rows of one list as its pages arrive: folders first, filtered and sorted. The cost of a page depends only on its
 * own rows, and the shown rows are one array that grows in place.
 */
export class Rows {
  constructor(
    readonly prefix: string,
    order: IOrder = BY_NAME,
    filter = ''
  ) {
    this._order = order;
    this._filter = filter;
    this._shown = this._isPlain ? this._all : [];
  }

  /** The number of pages added. */
  get pages(): number {
    return this._pages;
  }

  /** The token of the next page; null if there is none. */
  get nextToken(): string | null {
    return this._nextToken;
  }

  /** The number of rows, shown or not. */
  get count(): number {
    return this._all.length;
  }

  get shown(): readonly Row[] {
    return this._shown;
  }

  get filter(): string {
    return this._filter;
  }

  get order(): IOrder {
    return this._order;
  }

  /** The last key that the store returned. */
  get lastKey(): string {
    return this._lastKey;
  }

  has(key: string): boolean {
    return this._byKey.has(key);
  }

  /** Return the index at which a row is shown, or -1. */
  indexOf(key: string | null): number {
    const row = key === null ? undefined : this._byKey.get(key);
    if (!row) {
      return -1;
    }
    const index = lowerBound(this._shown, row, this._compare);
    return this._shown[index] === row ? index : -1;
  }

  add(page: ObjectList): void {
    this._pages += 1;
    this._nextToken = page.nextContinuationToken;
    const folders: Row[] = [];
    const files: Row[] = [];
    for (const { Prefix: key } of page.prefixes) {
      this._lastKey = laterKey(this._lastKey, key);
      // Some servers repeat a common prefix on the next page.
      if (!this._byKey.has(key)) {
        folders.push(this._index(new Row('folder', key, this.prefix, this._nextPosition++)));
      }
    }
    for (const { Key: key, Size, LastModified, StorageClass } of page.objects) {
      this._lastKey = laterKey(this._lastKey, key);
      // The folder's own zero-byte marker is not shown in it.
      if (key !== this.prefix && !this._byKey.has(key)) {
        const time = LastModified ? Date.parse(LastModified) : undefined;
        const storageClass = this._same(StorageClass);
        files.push(
          this._index(
            new Row('file', key, this.prefix, this._nextPosition++, Size, time, storageClass)
          )
        );
      }
    }
    this._insert(folders, files);
  }

  /** Append the rows of an older list that come after the ones just read. */
  appendRest(old: Rows): void {
    const rest = old._all.filter(({ key }) => !this._byKey.has(key) && isAfter(key, this._lastKey));
    const kept = rest.map(row => this._index(row.at(this._nextPosition++)));
    this._pages = old._pages;
    this._nextToken = old._nextToken;
    this._lastKey = laterKey(this._lastKey, old._lastKey);
    this._insert(
      kept.filter(({ kind }) => kind === 'folder'),
      kept.filter(({ kind }) => kind === 'file')
    );
  }

  /** Remove rows that no longer exist. */
  remove(keys: readonly string[]): void {
    if (keys.filter(key => this._byKey.delete(key)).length === 0) {
      return;
    }
    this._all = this._all.filter(({ key }) => this._byKey.has(key));
    this._folders = this._all.filter(({ kind }) => kind === 'folder').length;
    this._arrange(this._all);
  }

  /** Show only rows whose name contains the text, ignoring case. */
  setFilter(filter: string): void {
    // Rows that match the longer text also match the shorter one.
    const from =
      this._filter && fold(filter).includes(fold(this._filter)) ? this._shown : this._all;
    this._filter = filter;
    this._arrange(from);
  }

  setOrder(order: IOrder): void {
    this._order = order;
    this._arrange(this._all);
  }

  private get _isPlain(): boolean {
    return !this._filter && this._order.column === 'name' && !this._order.descending;
  }

  private _arrange(from: readonly Row[]): void {
    if (this._isPlain) {
      this._shown = this._all;
      return;
    }
    const rows = this._matching(from);
    // All rows are already in the store's order.
    const sorted = this._order.column === 'name' && !this._order.descending && from === this._all;
    this._shown = sorted ? rows : rows.sort(this._compare);
  }

  private _insert(folders: readonly Row[], files: readonly Row[]): void {
    this._all.splice(this._folders, 0, ...folders);
    this._folders += folders.length;
    append(this._all, files);
    if (this._shown === this._all) {
      return;
    }
    const added = this._matching([...folders, ...files]).sort(this._compare);
    this._shown = merged(this._shown, added, this._compare);
  }

  private _matching(rows: readonly Row[]): Row[] {
    const wanted = fold(this._filter);
    return wanted ? rows.filter(({ name }) => fold(name).includes(wanted)) : [...rows];
  }

  private _index(row: Row): Row {
    this._byKey.set(row.key, row);
    return row;
  }

  /** Share one string among all rows with the same value. */
  private _same(storageClass: string | null | undefined): string | undefined {
    if (!storageClass) {
      return undefined;
    }
    const known = this._classes.get(storageClass) ?? storageClass;
    this._classes.set(known, known);
    return known;
  }

  private readonly _compare = (a: Row, b: Row) => compareRows(a, b, this._order);
  private readonly _byKey = new Map<string, Row>();
  private readonly _classes = new Map<string, string>();
  private _pages = 0;
  private _nextPosition = 0;
  private _nextToken: string | null = null;
  private _lastKey = '';
  /** Folders first, each kind in the store's order. */
  private _all: Row[] = [];
  private _folders = 0;
  private _shown: Row[];
  private _order: IOrder;
  private _filter: string;
}

/** Compare rows. Folders are always first; equal rows keep the store's order. */
function compareRows(a: Row, b: Row, { column, descending }: IOrder): number {
  if (a.kind !== b.kind) {
    return a.kind === 'folder' ? -1 : 1;
  }
  if (column === 'name') {
    return descending ? b.position - a.position : a.position - b.position;
  }
  // Folders have neither size nor time.
  const difference =
    column === 'size' ? (a.size ?? 0) - (b.size ?? 0) : (a.time ?? 0) - (b.time ?? 0);
  return (descending ? -difference : difference) || a.position - b.position;
}

/** Return a name in the form that the filter compares. */
function fold(text: string): string {
  return text.toLocaleLowerCase();
}

/** Return the one of two keys that the store lists later. */
function laterKey(a: string, b: string): string {
  return isAfter(b, a) ? b : a;
}

/** Append in a loop: `push(...rows)` would exceed the maximum number of arguments. */
function append(rows: Row[], more: readonly Row[]): void {
  for (const row of more) {
    rows.push(row);
  }
}

/** Return the index of a row in sorted rows, or where it would be inserted. */
function lowerBound(
  rows: readonly Row[],
  row: Row,
  compare: (a: Row, b: Row) => number,
  from = 0
): number {
  let low = from;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(rows[middle], row) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Merge two sorted arrays. Most pages come after all existing rows; otherwise copy whole runs between the new rows. */
function merged(old: Row[], added: Row[], compare: (a: Row, b: Row) => number): Row[] {
  if (!added.length) {
    return old;
  }
  if (!old.length || compare(old[old.length - 1], added[0]) < 0) {
    append(old, added);
    return old;
  }
  const runs: Row[][] = [];
  let from = 0;
  for (const row of added) {
    const at = lowerBound(old, row, compare, from);
    runs.push(old.slice(from, at), [row]);
    from = at;
  }
  return ([] as Row[]).concat(...runs, old.slice(from));
}
