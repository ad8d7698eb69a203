import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { transfer } from '../testing/fakes';
import type { FileState, TransferFile } from '../tokens';
import { TransferFilesModel } from './transferfiles';

describe('TransferFilesModel', () => {
  let files: TransferFile[];
  let requests: [FileState, number, number][];
  let model: TransferFilesModel;

  beforeEach(() => {
    vi.useFakeTimers();
    files = [];
    requests = [];
    model = new TransferFilesModel({
      list: async ({ state, offset, limit }) => {
        requests.push([state, offset, limit]);
        const all = files.filter(file => file.state === state);
        // Like a server whose window is smaller than the requested limit.
        const window = all.slice(offset, offset + Math.min(limit, 60));
        return { files: window, total: all.length, offset };
      },
      now: () => Date.now()
    });
  });

  afterEach(() => {
    model.dispose();
    vi.useRealTimers();
  });

  const add = (state: FileState, count: number) => {
    for (let index = 0; index < count; index += 1) {
      const path = `${state}-${index}`;
      files.push({ path, target: path, size: 1, bytesDone: 0, state, error: null });
    }
  };

  it('lists failed files first, a hundred at a time', async () => {
    add('completed', 150);
    add('running', 2);
    add('failed', 3);
    model.update(transfer({ filesTotal: 155, filesFailed: 3 }));
    await vi.runAllTimersAsync();
    const states = model.files.map(({ state }) => state);
    expect(states.slice(0, 5)).toEqual(['failed', 'failed', 'failed', 'running', 'running']);
    expect([states.length, model.more]).toEqual([100, 55]);
    model.showMore();
    await vi.runAllTimersAsync();
    expect([model.files.length, model.more]).toEqual([155, 0]);
  });

  it('requests no states that cannot occur', async () => {
    add('completed', 1);
    model.update(transfer({ state: 'completed', filesTotal: 1 }));
    await vi.runAllTimersAsync();
    expect(requests.map(([state]) => state)).toEqual(['queued', 'completed', 'skipped']);
  });

  it('reloads while the transfer is active, at most every two seconds', async () => {
    add('running', 100);
    for (let index = 0; index < 50; index += 1) {
      model.update(transfer({ filesTotal: 100, bytesDone: index }));
      await vi.advanceTimersByTimeAsync(200);
    }
    // Ten seconds: at the beginning, and then every two.
    expect(requests.length / 2).toBeLessThanOrEqual(6);
    const before = requests.length;
    await vi.advanceTimersByTimeAsync(2000);
    const last = requests.length;
    expect(last).toBeGreaterThanOrEqual(before);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests.length).toBe(last);
  });

  it('sends no requests when the files are not shown', async () => {
    model.update(transfer());
    model.dispose();
    await vi.runAllTimersAsync();
    expect(requests).toEqual([]);
  });
});
