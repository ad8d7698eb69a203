import type { PresignedUrl, PresignRequest } from '../tokens';
import { FormModel } from './formmodel';

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;
export const DAY_SECONDS = 24 * HOUR_SECONDS;

/** S3 takes no more. */
export const MAX_EXPIRY_SECONDS = 7 * DAY_SECONDS;

/** The times to choose from, in seconds; null stands for another one. */
export const EXPIRY_CHOICES_SECONDS: readonly (number | null)[] = [
  15 * MINUTE_SECONDS,
  HOUR_SECONDS,
  12 * HOUR_SECONDS,
  DAY_SECONDS,
  MAX_EXPIRY_SECONDS,
  null
];

export const UNIT_SECONDS = { minutes: MINUTE_SECONDS, hours: HOUR_SECONDS, days: DAY_SECONDS };
export type Unit = keyof typeof UNIT_SECONDS;

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
    const seconds = this._expiry ?? Math.round(Number(this._number) * UNIT_SECONDS[this._unit]);
    return seconds >= 1 && seconds <= MAX_EXPIRY_SECONDS ? seconds : null;
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
    this._clearLink();
  }

  setMethod(method: 'GET' | 'PUT'): void {
    this._method = method;
    if (method === 'GET') {
      this._name = this._options.name;
    }
    this._clearLink();
  }

  setExpiry(expiry: number | null): void {
    this._expiry = expiry;
    this._clearLink();
  }

  setCustom(number: string, unit: Unit): void {
    this._number = number;
    this._unit = unit;
    this._clearLink();
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
  private _clearLink(): void {
    this._link = null;
    this.setError(null);
    this.changed();
  }

  private _name: string;
  private _method: 'GET' | 'PUT' | null = null;
  private _expiry: number | null = HOUR_SECONDS;
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
