import { isAfter, nameIn } from '../api/keys';
import type { ObjectList } from '../tokens';
import { BY_NAME, type IOrder } from './order';

export interface IRow {
  kind: 'folder' | 'file';
  /** The object's key, or the folder's prefix with its slash. */
  key: string;
  /** What it is called below the prefix of the list; of a search's hit the whole way to it. */
  name: string;
  size?: number;
  modified?: Date;
  storageClass?: string;
}

/** A row as a million of them are kept: what can be told from the key is told when it is asked for. */
export class Row implements IRow {
  constructor(
    readonly kind: IRow['kind'],
    readonly key: string,
    private readonly _prefix: string,
    /** In which order the store gave it, within its kind. */
    readonly position: number,
    readonly size?: number,
    /** When it was written, in milliseconds. */
    readonly time?: number,
    readonly storageClass?: string
  ) {}

  get name(): string {
    return nameIn(this._prefix, this.key);
  }

  get modified(): Date | undefined {
    return this.time === undefined ? undefined : new Date(this.time);
  }

  /** The same at another place. */
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
 * The rows of one list as its pages come in: folders first, filtered and sorted. A page costs its own rows only,
 * however many there are already; what is shown is one array that grows in place.
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

  /** How many pages have come in. */
  get pages(): number {
    return this._pages;
  }

  /** What the next page is asked for with; null when there is none. */
  get nextToken(): string | null {
    return this._nextToken;
  }

  /** How many there are, shown or not. */
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

  /** The last key that the store gave. */
  get lastKey(): string {
    return this._lastKey;
  }

  has(key: string): boolean {
    return this._byKey.has(key);
  }

  /** Where a row is shown; -1 when it is not. */
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
      // The folder's own zero-byte marker is no content of it.
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

  /** Go on with the rows of an older reading that come after what has been read anew. */
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

  /** Rows that are known to be gone. */
  remove(keys: readonly string[]): void {
    if (keys.filter(key => this._byKey.delete(key)).length === 0) {
      return;
    }
    this._all = this._all.filter(({ key }) => this._byKey.has(key));
    this._folders = this._all.filter(({ kind }) => kind === 'folder').length;
    this._arrange(this._all);
  }

  /** Show only the rows whose name contains the text, whatever its case. */
  setFilter(filter: string): void {
    // What a longer text matches, the shorter one matched.
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
    // In the store's order they are already.
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

  /** One string for a million rows that say the same. */
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
  /** Folders first, each kind as the store gave it. */
  private _all: Row[] = [];
  private _folders = 0;
  private _shown: Row[];
  private _order: IOrder;
  private _filter: string;
}

/** Folders stay first whatever the order; rows that are equal stay as the store has them. */
function compareRows(a: Row, b: Row, { column, descending }: IOrder): number {
  if (a.kind !== b.kind) {
    return a.kind === 'folder' ? -1 : 1;
  }
  if (column === 'name') {
    return descending ? b.position - a.position : a.position - b.position;
  }
  // A folder has neither size nor time.
  const difference =
    column === 'size' ? (a.size ?? 0) - (b.size ?? 0) : (a.time ?? 0) - (b.time ?? 0);
  return (descending ? -difference : difference) || a.position - b.position;
}

/** How names are compared by the filter. */
function fold(text: string): string {
  return text.toLocaleLowerCase();
}

/** The one of two keys that the store gives later. */
function laterKey(a: string, b: string): string {
  return isAfter(b, a) ? b : a;
}

/** `push` takes its rows as arguments, of which there is a limit. */
function append(rows: Row[], more: readonly Row[]): void {
  for (const row of more) {
    rows.push(row);
  }
}

/** Where the row is in sorted rows, or would be. */
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

/** Both are sorted. Most pages come after all that is there; otherwise whole runs are copied between the new rows. */
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
