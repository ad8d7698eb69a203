import { afterEach, expect, it, vi } from 'vitest';

import { whenOnline } from './online';

const network = (there: boolean) => vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(there);

afterEach(() => vi.restoreAllMocks());

it('does not wait when online', async () => {
  network(true);
  expect(await whenOnline(new AbortController().signal)).toBe(false);
});

it('waits for the network to come back', async () => {
  network(false);
  const waiting = whenOnline(new AbortController().signal);
  window.dispatchEvent(new Event('online'));
  expect(await waiting).toBe(true);
});

it('stops waiting when the signal is aborted', async () => {
  network(false);
  const stop = new AbortController();
  const waiting = whenOnline(stop.signal);
  stop.abort();
  expect(await waiting).toBe(true);
});
