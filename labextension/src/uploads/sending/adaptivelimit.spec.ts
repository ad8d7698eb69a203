import { beforeEach, describe, expect, it } from 'vitest';

import { AdaptiveLimit } from './adaptivelimit';

const KIB = 1024;

describe('AdaptiveLimit', () => {
  let now: number;
  let limit: AdaptiveLimit;

  beforeEach(() => {
    now = 0;
    limit = new AdaptiveLimit({ max: 16, now: () => now });
  });

  /** Send files until the limit changes, or so many; a server answers as many in parallel as `fastest`. */
  function send(count: number, fastest: number, bytes = 64 * KIB): void {
    const before = limit.value;
    for (let sent = 0; sent < count && limit.value === before; sent++) {
      now += 40 / Math.min(limit.value, fastest);
      limit.finished(bytes, true);
    }
  }

  /** The limits that follow each other while files are sent. */
  function limits(changes: number, fastest: number): number[] {
    return Array.from({ length: changes }, () => {
      send(1000, fastest);
      return limit.value;
    });
  }

  it('starts low and grows up to the maximum while that makes uploads faster', () => {
    expect(limit.value).toBe(2);
    expect(limits(3, Infinity)).toEqual([4, 8, 16]);
    send(10_000, Infinity);
    expect(limit.value).toBe(16);
  });

  it('goes back when more files in parallel are not faster, and tries again later', () => {
    expect(limits(3, 4)).toEqual([4, 8, 4]);
    send(64, 4);
    expect(limit.value).toBe(4);
    expect(limits(2, 4)).toEqual([8, 4]);
  });

  it('compares files of different sizes', () => {
    expect(limits(1, Infinity)).toEqual([4]);
    // Four times as many bytes for each file, and the same bytes in a second.
    for (let sent = 0; sent < 20; sent++) {
      now += 10 * 2.5;
      limit.finished(256 * KIB, true);
    }
    expect(limit.value).toBe(8);
  });

  it('sends half as many after failures, which count once if they come together', () => {
    limits(3, Infinity);
    [limit, limit, limit].forEach(one => one.failed());
    expect(limit.value).toBe(8);
    now += 5000;
    limit.failed();
    expect(limit.value).toBe(4);
    // Not immediately more again.
    send(32, Infinity);
    expect(limit.value).toBe(4);
    for (let failures = 0; failures < 5; failures++) {
      now += 5000;
      limit.failed();
    }
    expect(limit.value).toBe(1);
    expect(limits(1, Infinity)).toEqual([2]);
  });

  it('learns nothing while there are fewer files than it allows', () => {
    for (let sent = 0; sent < 1000; sent++) {
      now += 1;
      limit.finished(0, false);
    }
    expect(limit.value).toBe(2);
  });

  it('never exceeds the maximum', () => {
    limit = new AdaptiveLimit({ max: 4, now: () => now });
    expect(limits(1, Infinity)).toEqual([4]);
    send(10_000, Infinity);
    expect(limit.value).toBe(4);
  });
});
