import { afterEach, expect, it, vi } from 'vitest';

import { maxRequests } from './connections';

afterEach(() => vi.restoreAllMocks());

it.each([
  ['http/1.1', 4],
  ['h2', 16],
  ['h3', 16],
  ['', 4]
])('leaves connections for Lab over %s', (nextHopProtocol, expected) => {
  const entries = [{ nextHopProtocol } as PerformanceNavigationTiming];
  vi.spyOn(performance, 'getEntriesByType').mockReturnValue(entries);
  expect(maxRequests()).toBe(expected);
});

it('takes an unknown protocol for HTTP/1.1', () => {
  vi.spyOn(performance, 'getEntriesByType').mockReturnValue([]);
  expect(maxRequests()).toBe(4);
});
