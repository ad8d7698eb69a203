import type { DetailsChange, ObjectDetails, Tag } from '../tokens';
import { FormModel } from './formmodel';

export const HEADERS = [
  'ContentType',
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage'
] as const;
export type Header = (typeof HEADERS)[number];

/** A name and its value, as entered. */
export interface IPair {
  name: string;
  value: string;
}

/** Statuses with which S3 says that the object has changed. */
const CHANGED_STATUSES = [409, 412];

/** The details of one object in S3, and the user's edits. */
export class DetailsModel extends FormModel {
  constructor(private readonly _options: DetailsModel.IOptions) {
    super();
    void this.load();
  }

  get key(): string {
    return this._options.key;
  }

  get bucket(): string {
    return this._options.bucket;
  }

  get details(): ObjectDetails | null {
    return this._details;
  }

  get metadata(): readonly IPair[] {
    return this._metadata;
  }

  /** Null if the store does not support or does not show tags. */
  get tags(): readonly IPair[] | null {
    return this._tags;
  }

  /** Whether someone else changed the object, so that nothing was saved. */
  get outdated(): boolean {
    return !!this.error && CHANGED_STATUSES.includes(this.error.status);
  }

  /** Whether everything is saved since the last edit. */
  get saved(): boolean {
    return this._saved;
  }

  get dirty(): boolean {
    return this._details !== null && Object.keys(this._change()).length > 1;
  }

  /** A duplicate or missing name; of two equal names, S3 would keep one. */
  get badName(): string | null {
    return repeated(this._metadata, true) ?? repeated(this._tags ?? [], false);
  }

  header(name: Header): string {
    return this._headers[name] ?? '';
  }

  setHeader(name: Header, value: string): void {
    this._headers = { ...this._headers, [name]: value };
    this._edited();
  }

  setMetadata(pairs: readonly IPair[]): void {
    this._metadata = pairs;
    this._edited();
  }

  setTags(pairs: readonly IPair[]): void {
    this._tags = pairs;
    this._edited();
  }

  /** Reload the object. Unsaved edits are lost. */
  async load(): Promise<void> {
    await this.run('loading', async () => {
      const { server, bucket, key } = this._options;
      this._setDetails(await server.getDetails(bucket, key, this.closed));
    });
  }

  async save(): Promise<boolean> {
    if (!this.dirty || this.badName !== null) {
      return false;
    }
    return this.run('saving', async () => {
      const { server, bucket, key } = this._options;
      this._setDetails(await server.setDetails(bucket, key, this._change()));
      this._saved = true;
    });
  }

  private _setDetails(details: ObjectDetails): void {
    this._details = details;
    this._headers = Object.fromEntries(HEADERS.map(name => [name, details[name] ?? '']));
    this._metadata = metadataOf(details);
    this._tags = tagsOf(details);
    this._saved = false;
  }

  private _edited(): void {
    this._saved = false;
    this.changed();
  }

  /** Return only what has changed; everything else keeps its value. */
  private _change(): DetailsChange {
    const details = this._details!;
    const change: DetailsChange = { etag: details.ETag ?? '' };
    for (const name of HEADERS) {
      if (this.header(name) !== (details[name] ?? '')) {
        change[name] = this.header(name);
      }
    }
    if (!same(this._metadata, metadataOf(details))) {
      change.Metadata = Object.fromEntries(this._metadata.map(pair => [pair.name, pair.value]));
    }
    if (this._tags && !same(this._tags, tagsOf(details))) {
      change.TagSet = this._tags.map<Tag>(({ name, value }) => ({ Key: name, Value: value }));
    }
    return change;
  }

  private _details: ObjectDetails | null = null;
  private _headers: Partial<Record<Header, string>> = {};
  private _metadata: readonly IPair[] = [];
  private _tags: readonly IPair[] | null = null;
  private _saved = false;
}

function metadataOf({ Metadata }: ObjectDetails): IPair[] {
  return Object.entries(Metadata).map(([name, value]) => ({ name, value }));
}

function tagsOf({ TagSet }: ObjectDetails): IPair[] | null {
  return TagSet?.map(({ Key, Value }) => ({ name: Key, value: Value })) ?? null;
}

function same(some: readonly IPair[], others: readonly IPair[] | null): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

/** Metadata names are headers, so their case does not matter. That of tags does. */
function repeated(pairs: readonly IPair[], anyCase: boolean): string | null {
  const seen = new Set<string>();
  for (const { name } of pairs) {
    const known = anyCase ? name.toLowerCase() : name;
    if (!known.trim() || seen.has(known)) {
      return name;
    }
    seen.add(known);
  }
  return null;
}

export namespace DetailsModel {
  export interface IServer {
    getDetails(bucket: string, key: string, signal?: AbortSignal): Promise<ObjectDetails>;
    setDetails(bucket: string, key: string, change: DetailsChange): Promise<ObjectDetails>;
  }

  export interface IOptions {
    server: IServer;
    bucket: string;
    key: string;
  }
}
