import { nameIn } from './keys';
import type { ObjectList } from './tokens';

export interface IRow {
  kind: 'folder' | 'file';
  /** The object's key, or the folder's prefix with its slash. */
  key: string;
  name: string;
  size?: number;
  modified?: Date;
}

/** The rows of one folder as its pages come in: folders first, each kind in the store's order. */
export class Rows {
  constructor(readonly prefix: string) {}

  /** How many pages have come in. */
  get pages(): number {
    return this._pages;
  }

  /** What the next page is asked for with; null when there is none. */
  get nextToken(): string | null {
    return this._nextToken;
  }

  add(page: ObjectList): void {
    this._pages += 1;
    this._nextToken = page.nextContinuationToken;
    for (const { Prefix: key } of page.prefixes) {
      // Some servers repeat a common prefix on the next page.
      if (!this._known.has(key)) {
        this._known.add(key);
        this._folders.push({ kind: 'folder', key, name: nameIn(this.prefix, key) });
      }
    }
    for (const { Key: key, Size: size, LastModified: time } of page.objects) {
      // The folder's own zero-byte marker is no content of it.
      if (key !== this.prefix) {
        const modified = time ? new Date(time) : undefined;
        this._files.push({ kind: 'file', key, name: nameIn(this.prefix, key), size, modified });
      }
    }
  }

  get count(): number {
    return this._folders.length + this._files.length;
  }

  /** The rows whose name contains the text, whatever its case. */
  matching(text: string): IRow[] {
    const rows = [...this._folders, ...this._files];
    const wanted = text.toLocaleLowerCase();
    return wanted ? rows.filter(row => row.name.toLocaleLowerCase().includes(wanted)) : rows;
  }

  private _pages = 0;
  private _nextToken: string | null = null;
  private readonly _folders: IRow[] = [];
  private readonly _files: IRow[] = [];
  private readonly _known = new Set<string>();
}
