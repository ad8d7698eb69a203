import { FormModel } from './formmodel';
import type { PresignedUrl, PresignRequest } from '../tokens';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** S3 takes no more. */
export const LONGEST = 7 * DAY;

/** The times to choose from, in seconds; null stands for another one. */
export const EXPIRIES: readonly (number | null)[] = [
  15 * MINUTE,
  HOUR,
  12 * HOUR,
  DAY,
  LONGEST,
  null
];

export const UNITS = { minutes: MINUTE, hours: HOUR, days: DAY };
export type Unit = keyof typeof UNITS;

/** A link to one key that works without a login until it expires. */
export class ShareModel extends FormModel {
  constructor(private readonly _options: ShareModel.IOptions) {
    super();
    this._name = _options.name;
  }

  /** What is shared: in a folder without a name, something is yet to be uploaded. */
  get key(): string {
    return this._options.prefix + this._name;
  }

  get bucket(): string {
    return this._options.bucket;
  }

  get prefix(): string {
    return this._options.prefix;
  }

  get name(): string {
    return this._name;
  }

  /** Whether there is something to download. */
  get exists(): boolean {
    return this._options.name !== '';
  }

  get method(): 'GET' | 'PUT' {
    return this._method ?? (this.exists ? 'GET' : 'PUT');
  }

  /** Null: the number and the unit say it. */
  get expiry(): number | null {
    return this._expiry;
  }

  get number(): string {
    return this._number;
  }

  get unit(): Unit {
    return this._unit;
  }

  /** Null when what was typed is no time that S3 takes. */
  get seconds(): number | null {
    const seconds = this._expiry ?? Math.round(Number(this._number) * UNITS[this._unit]);
    return seconds >= 1 && seconds <= LONGEST ? seconds : null;
  }

  get link(): PresignedUrl | null {
    return this._link;
  }

  get ready(): boolean {
    const named = this._name !== '' && !this._name.endsWith('/');
    return this.busy === null && this.seconds !== null && named;
  }

  setName(name: string): void {
    this._name = name;
    this._drop();
  }

  setMethod(method: 'GET' | 'PUT'): void {
    this._method = method;
    if (method === 'GET') {
      this._name = this._options.name;
    }
    this._drop();
  }

  setExpiry(expiry: number | null): void {
    this._expiry = expiry;
    this._drop();
  }

  setCustom(number: string, unit: Unit): void {
    this._number = number;
    this._unit = unit;
    this._drop();
  }

  async create(): Promise<void> {
    const { bucket, key, method, seconds } = this;
    if (!this.ready || seconds === null) {
      return;
    }
    const what = { bucket, key, method, expiresIn: seconds };
    const asked = JSON.stringify(what);
    await this.run('creating', async () => {
      const link = await this._options.server.presign(what);
      const now = { bucket, key: this.key, method: this.method, expiresIn: this.seconds };
      this._link = asked === JSON.stringify(now) ? link : null;
    });
  }

  /** A link is shown only beside what it was made for. */
  private _drop(): void {
    this._link = null;
    this.setError(null);
    this.changed();
  }

  private _name: string;
  private _method: 'GET' | 'PUT' | null = null;
  private _expiry: number | null = HOUR;
  private _number = '2';
  private _unit: Unit = 'days';
  private _link: PresignedUrl | null = null;
}

export namespace ShareModel {
  export interface IOptions {
    server: { presign(what: PresignRequest): Promise<PresignedUrl> };
    bucket: string;
    prefix: string;
    /** Of the object in the folder; empty where none is chosen. */
    name: string;
  }
}
