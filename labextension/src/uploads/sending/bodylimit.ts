import { ApiError, PROXY_LIMIT } from '../../api/request';

/** Smaller requests than this pass every proxy, or there is another reason. */
const MIN_BODY_BYTES = 64 * 1024;

/** How large a request may be, as far as is known: a proxy on the way to the server may limit it. */
export class BodyLimit {
  /** Bytes of a request's body at most. */
  get bytes(): number {
    return this._bytes;
  }

  /** A body of so many bytes was refused. Whether a smaller one may pass. */
  shrink(refused: number): boolean {
    if (refused <= MIN_BODY_BYTES) {
      return false;
    }
    this._bytes = Math.min(this._bytes, Math.max(MIN_BODY_BYTES, Math.floor(refused / 2)));
    return true;
  }

  private _bytes = Infinity;
}

/** Whether a proxy, not our server, has refused a request for its size. */
export function isTooLarge(reason: unknown): boolean {
  return reason instanceof ApiError && reason.code === PROXY_LIMIT;
}
