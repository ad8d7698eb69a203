import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import { isTransient, withRetries, type IBackoff } from './retry';

const refusal = (status: number) => new ApiError(`HTTP${status}`, 'no', status);

/** A clock whose pauses end immediately, and which records them. */
function patient(offline = 0): IBackoff & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    sleep: async ms => {
      slept.push(ms);
    },
    whenOnline: async () => offline-- > 0
  };
}

describe('withRetries', () => {
  const { signal } = new AbortController();

  it('tries six times in about a minute, later each time', async () => {
    const backoff = patient();
    const work = vi.fn(() => Promise.reject(ApiError.unreachable()));
    await expect(withRetries(work, signal, backoff)).rejects.toThrow('is not responding');
    expect(work).toHaveBeenCalledTimes(6);
    const { slept } = backoff;
    expect(slept).toEqual([...slept].sort((a, b) => a - b));
    const all = slept.reduce((sum, ms) => sum + ms);
    expect(all).toBeGreaterThan(40_000);
    expect(all).toBeLessThan(80_000);
  });

  it('stops trying when it is done', async () => {
    const received: string[] = [];
    const work = vi.fn<() => Promise<string>>();
    work.mockRejectedValueOnce(refusal(503)).mockResolvedValueOnce('done');
    const result = await withRetries(work, signal, patient(), ({ code }) => received.push(code));
    expect([result, received]).toEqual(['done', ['HTTP503']]);
  });

  it('does not retry permanent errors', async () => {
    for (const status of [400, 401, 403, 404, 409, 413, 500, 507]) {
      const work = vi.fn(() => Promise.reject(refusal(status)));
      await expect(withRetries(work, signal, patient())).rejects.toThrow('no');
      expect(work).toHaveBeenCalledTimes(1);
    }
    expect([408, 429, 502, 503, 504].map(refusal).every(isTransient)).toBe(true);
    // A missing reply is transient, an error in the code is not.
    expect(isTransient(ApiError.from(new TypeError('bug')))).toBe(false);
  });

  it('does not count failures while offline', async () => {
    const work = vi.fn(() => Promise.reject(ApiError.unreachable()));
    await expect(withRetries(work, signal, patient(20))).rejects.toThrow();
    expect(work).toHaveBeenCalledTimes(26);
  });

  it('stops waiting when the signal is aborted', async () => {
    const stop = new AbortController();
    const work = vi.fn(() => Promise.reject(ApiError.unreachable()));
    const backoff: IBackoff = {
      whenOnline: async () => false,
      sleep: async () => stop.abort()
    };
    await expect(withRetries(work, stop.signal, backoff)).rejects.toThrow('cancelled');
    expect(work).toHaveBeenCalledTimes(1);
  });
});
