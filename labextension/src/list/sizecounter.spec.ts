import { describe, expect, it, vi } from 'vitest';

import { Deferred } from '../testing/fakes';
import type { Usage } from '../tokens';
import type { IRow } from './rows';
import { SizeCounter } from './sizecounter';

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

describe('SizeCounter', () => {
  it('sums files and folders, step by step', async () => {
    const countUsage = vi
      .fn<SizeCounter.IServer['countUsage']>()
      .mockResolvedValueOnce(step(2, 't'))
      .mockResolvedValueOnce(step(1))
      .mockResolvedValueOnce(step(5));
    const counter = new SizeCounter({ countUsage }, 'b', rows);
    expect([counter.objects, counter.bytes, counter.complete]).toEqual([1, 7, false]);
    await counter.start();
    expect([counter.objects, counter.bytes, counter.complete]).toEqual([9, 87, true]);
    expect(countUsage.mock.calls.map(([, prefix, it]) => [prefix, it.continuationToken])).toEqual([
      ['f/', undefined],
      ['f/', 't'],
      ['g/', undefined]
    ]);
  });

  it('stops on request, and continues without counting anything twice', async () => {
    const slow = new Deferred<Usage>();
    const countUsage = vi
      .fn<SizeCounter.IServer['countUsage']>()
      .mockResolvedValueOnce(step(2, 't'))
      .mockReturnValueOnce(slow.promise)
      .mockResolvedValue(step(1));
    const counter = new SizeCounter({ countUsage }, 'b', rows);
    const first = counter.start();
    await vi.waitFor(() => expect(countUsage).toHaveBeenCalledTimes(2));
    counter.stop();
    expect(counter.counting).toBe(false);
    slow.resolve(step(100));
    await first;
    expect(counter.objects).toBe(3);
    await counter.start();
    expect([counter.objects, counter.complete]).toEqual([5, true]);
  });

  it('keeps its result when the store fails', async () => {
    const countUsage = vi
      .fn<SizeCounter.IServer['countUsage']>()
      .mockRejectedValueOnce(new Error('no'));
    const counter = new SizeCounter({ countUsage }, 'b', rows);
    await counter.start();
    expect([counter.objects, counter.complete, counter.error?.message]).toEqual([1, false, 'no']);
  });

  it('counts files without requests', () => {
    const countUsage = vi.fn<SizeCounter.IServer['countUsage']>();
    const counter = new SizeCounter({ countUsage }, 'b', rows.slice(0, 1));
    void counter.start();
    expect(counter.complete).toBe(true);
    expect(countUsage).not.toHaveBeenCalled();
  });
});
