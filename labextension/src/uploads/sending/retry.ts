import { ApiError } from '../../api/request';

/** How long after each refusal the next try comes: six tries, spread over a minute. */
const DELAYS_MS = [1000, 3000, 8000, 18_000, 30_000];

/** No answer, too slow, too many requests, or something between us and the store that does not answer. */
const TRANSIENT_STATUSES = [408, 429, 502, 503, 504];

export function isTransient(reason: unknown): boolean {
  return (
    reason instanceof ApiError &&
    (reason.code === ApiError.unreachable().code || TRANSIENT_STATUSES.includes(reason.status))
  );
}

export function isAbort(reason: unknown): boolean {
  return (reason as { name?: unknown } | null)?.name === 'AbortError';
}

export function aborted(): DOMException {
  return new DOMException('The request was cancelled.', 'AbortError');
}

/** Time and the network, handed in. */
export interface IBackoff {
  /** Wait, or return at once when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Wait for a network; whether there was none. */
  whenOnline(signal: AbortSignal): Promise<boolean>;
}

/** Do it until it is done, refused for good, or was tried often enough. The signal ends the waiting, not the work. */
export async function withRetries<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  backoff: IBackoff,
  onRetry?: (reason: ApiError) => void
): Promise<T> {
  for (let refusals = 0; ;) {
    if (signal.aborted) {
      throw aborted();
    }
    try {
      return await work();
    } catch (reason) {
      if (!isTransient(reason)) {
        throw reason;
      }
      onRetry?.(reason as ApiError);
      // Without a network nothing was refused. Asked only now: a server on this machine needs none.
      if (await backoff.whenOnline(signal)) {
        refusals = 0;
      } else if (++refusals > DELAYS_MS.length) {
        throw reason;
      }
      // Some jitter, so that the parts of a broken connection do not all come back at once.
      const delay = DELAYS_MS[Math.max(0, refusals - 1)];
      await backoff.sleep(delay * (0.75 + Math.random() / 2), signal);
    }
  }
}
