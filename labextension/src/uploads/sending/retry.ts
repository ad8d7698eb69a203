import { ApiError } from '../../api/request';

/** The delays between six tries, spread over a minute. */
const DELAYS_MS = [1000, 3000, 8000, 18_000, 30_000];

/** Timeout, too many requests, or a gateway that cannot reach the server or the store. */
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

/** Waiting for time and network, injected for tests. */
export interface IBackoff {
  /** Wait, or return immediately when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Wait until online; resolves to whether it was offline. */
  whenOnline(signal: AbortSignal): Promise<boolean>;
}

/**
 * Run the work until it succeeds, fails permanently or has failed too often. The signal ends the waiting, not the work.
 */
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
      // Offline, nothing was refused. Check it only after a failure, because a server on this machine needs no network.
      if (await backoff.whenOnline(signal)) {
        refusals = 0;
      } else if (++refusals > DELAYS_MS.length) {
        throw reason;
      }
      // Jitter, so that the parts of a broken connection do not all retry at the same time.
      const delay = DELAYS_MS[Math.max(0, refusals - 1)];
      await backoff.sleep(delay * (0.75 + Math.random() / 2), signal);
    }
  }
}
