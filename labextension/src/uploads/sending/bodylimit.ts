import { ApiError, PROXY_LIMIT } from '../../api/request';

/** Every proxy accepts smaller requests, so a refusal has another reason. */
const MIN_BODY_BYTES = 64 * 1024;

/** The known limit of request bodies, set by a proxy in front of the server. */
export class BodyLimit {
  /** The maximum body size in bytes. */
  get bytes(): number {
    return this._bytes;
  }

  /** Lower the limit after a body of this size was refused. Returns whether a smaller one may pass. */
  shrink(refused: number): boolean {
    if (refused <= MIN_BODY_BYTES) {
      return false;
    }
    this._bytes = Math.min(this._bytes, Math.max(MIN_BODY_BYTES, Math.floor(refused / 2)));
    return true;
  }

  private _bytes = Infinity;
}

/** Return whether a proxy, not our server, refused a request for its size. */
export function isTooLarge(reason: unknown): boolean {
  return reason instanceof ApiError && reason.code === PROXY_LIMIT;
}
