import { expect, it } from 'vitest';

import { chunks } from './chunks';

it('keeps items in order in as few lists as possible', () => {
  expect(chunks([])).toEqual([]);
  expect(chunks(['b', 'a'])).toEqual([['b', 'a']]);
});

it.each([
  ['short', 'k', 25_000],
  ['long', 'k'.repeat(1024), 5000],
  ['of many bytes', '日'.repeat(341), 5000],
  ['of control characters', '\u0001'.repeat(1024), 1000]
])('makes lists that fit in one request: %s', (_, key, count) => {
  const keys = Array.from({ length: count }, (_, index) => `${key}${index}`);
  const lists = chunks(keys);
  expect(lists.flat()).toEqual(keys);
  expect(lists.length).toBeGreaterThan(1);
  for (const list of lists) {
    expect(list.length).toBeLessThanOrEqual(10_000);
    expect(new TextEncoder().encode(JSON.stringify(list)).length).toBeLessThan(2 * 1024 * 1024);
  }
});
