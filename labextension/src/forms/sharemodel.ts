import type { PresignedUrl, PresignRequest } from '../tokens';
import { FormModel } from './formmodel';

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 60 * MINUTE_SECONDS;
export const DAY_SECONDS = 24 * HOUR_SECONDS;

/** The maximum of S3. */
export const MAX_EXPIRY_SECONDS = 7 * DAY_SECONDS;

/** The times to choose from; null is a custom one. */
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

/** A link to one object that works without a login until it expires. */
export class ShareModel extends FormModel {
  constructor(private readonly _options: ShareModel.IOptions) {
    super();
    this._name = _options.name;
  }

  /** The key; without a name, it is of an object that is yet to be uploaded to the folder. */
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

  /** Whether there is an object to download. */
  get exists(): boolean {
    return this._options.name !== '';
  }

  get method(): 'GET' | 'PUT' {
    return this._method ?? (this.exists ? 'GET' : 'PUT');
  }

  /** Null for a custom time, given by number and unit. */
  get expiry(): number | null {
    return this._expiry;
  }

  get number(): string {
    return this._number;
  }

  get unit(): Unit {
    return this._unit;
  }

  /** Null if the entered time is not valid for S3. */
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

  /** Discard the link when the fields no longer match it. */
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
    /** The name of the object in the folder; empty if none is selected. */
    name: string;
  }
}
