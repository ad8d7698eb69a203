import { describe, expect, it, vi } from 'vitest';

import type { IRow } from './rows';
import { Tally } from './sizecounter';
import { Deferred } from '../testing/fakes';
import type { Usage } from '../tokens';

const rows: IRow[] = [
  { kind: 'file', key: 'a', name: 'a', size: 7 },
  { kind: 'folder', key: 'f/', name: 'f' },
  { kind: 'folder', key: 'g/', name: 'g' }
];
const step = (objects: number, token: string | null = null): Usage => ({
  objects,
  bytes: 10 * objects,
  nextContinuationToken: token,
  isTruncated: token !== null
});

describe('Tally', () => {
  it('sums files and folders, step by step', async () => {
    const countUsage = vi
      .fn<Tally.IServer['countUsage']>()
      .mockResolvedValueOnce(step(2, 't'))
      .mockResolvedValueOnce(step(1))
      .mockResolvedValueOnce(step(5));
    const tally = new Tally({ countUsage }, 'b', rows);
    expect([tally.objects, tally.bytes, tally.complete]).toEqual([1, 7, false]);
    await tally.start();
    expect([tally.objects, tally.bytes, tally.complete]).toEqual([9, 87, true]);
    expect(countUsage.mock.calls.map(([, prefix, it]) => [prefix, it.continuationToken])).toEqual([
      ['f/', undefined],
      ['f/', 't'],
      ['g/', undefined]
    ]);
  });

  it('stops when it is told to, and goes on from there without counting twice', async () => {
    const slow = new Deferred<Usage>();
    const countUsage = vi
      .fn<Tally.IServer['countUsage']>()
      .mockResolvedValueOnce(step(2, 't'))
      .mockReturnValueOnce(slow.promise)
      .mockResolvedValue(step(1));
    const tally = new Tally({ countUsage }, 'b', rows);
    const first = tally.start();
    await vi.waitFor(() => expect(countUsage).toHaveBeenCalledTimes(2));
    tally.stop();
    expect(tally.counting).toBe(false);
    slow.resolve(step(100));
    await first;
    expect(tally.objects).toBe(3);
    await tally.start();
    expect([tally.objects, tally.complete]).toEqual([5, true]);
  });

  it('keeps what it has when the store refuses', async () => {
    const countUsage = vi.fn<Tally.IServer['countUsage']>().mockRejectedValueOnce(new Error('no'));
    const tally = new Tally({ countUsage }, 'b', rows);
    await tally.start();
    expect([tally.objects, tally.complete, tally.error?.message]).toEqual([1, false, 'no']);
  });

  it('knows files at once', () => {
    const countUsage = vi.fn<Tally.IServer['countUsage']>();
    const tally = new Tally({ countUsage }, 'b', rows.slice(0, 1));
    void tally.start();
    expect(tally.complete).toBe(true);
    expect(countUsage).not.toHaveBeenCalled();
  });
});
