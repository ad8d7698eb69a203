import { describe, expect, it } from 'vitest';

import { formatAge, formatDuration, formatSize } from './format';
import { trans } from './testing/fakes';
import { RateMeter } from './uploads/rate';

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1024, '1.0 kB'],
    [99_940, '99.9 kB'],
    [150_400, '150 kB'],
    [999_500, '1.0 MB'],
    [5e12, '5.0 TB'],
    [2e18, '2000 PB']
  ])('%i is %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));
});

it('formats an age in one unit', () => {
  const now = new Date('2026-06-01T00:00:00Z');
  const age = (text: string) => formatAge(new Date(text), now, trans);
  expect(age('2026-06-01T00:00:30Z')).toBe('now');
  expect(age('2026-05-31T23:01:00Z')).toBe('59m');
  expect(age('2026-05-03T00:00:00Z')).toBe('29d');
  expect(age('2025-07-01T00:00:00Z')).toBe('11mo');
  expect(age('2024-01-01T00:00:00Z')).toBe('2y');
});

it('rounds a duration like an estimate', () => {
  expect(formatDuration(59, trans)).toBe('59 s');
  expect(formatDuration(150, trans)).toBe('3 min');
  expect(formatDuration(7500, trans)).toBe('2 h 5 min');
});

describe('RateMeter', () => {
  it('measures the last seconds only', () => {
    let now = 0;
    const meter = new RateMeter(() => now);
    meter.add(0);
    expect(meter.rate).toBeNull();
    now = 1000;
    meter.add(1_000_000);
    expect(meter.rate).toBe(1_000_000);
    for (let second = 2; second <= 10; second++) {
      now = second * 1000;
      meter.add(1_000_000 + (second - 1) * 10);
    }
    expect(meter.rate).toBe(10);
  });

  it('has no rate when a retry subtracts bytes', () => {
    let now = 0;
    const meter = new RateMeter(() => now);
    meter.add(100);
    now = 1000;
    meter.add(50);
    expect(meter.rate).toBeNull();
  });
});
