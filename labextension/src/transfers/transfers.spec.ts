import { describe, expect, it, vi } from 'vitest';

import { ApiError, NOT_ENABLED } from '../api/request';
import type { IServerEvent } from '../api/sse';
import { Deferred, transfer } from '../testing/fakes';
import type { Transfer } from '../tokens';
import { TransfersModel } from './transfers';

const settle = () => new Promise(resolve => setTimeout(resolve));
const event = (data: Transfer, lastEventId = ''): IServerEvent => ({
  event: 'transfer',
  data: JSON.stringify(data),
  lastEventId
});

type Stream = (lastEventId: string) => AsyncGenerator<IServerEvent>;

/** A server whose connections use the given streams one after the other. The last one stays open. */
function modelOf(streams: Stream[], listed: Transfer[] = []) {
  const lastEventIds: string[] = [];
  const onFinished = vi.fn();
  const slept: number[] = [];
  const server = {
    async *transferEvents(lastEventId: string, signal: AbortSignal) {
      lastEventIds.push(lastEventId);
      yield* streams.shift()?.(lastEventId) ?? [];
      if (!streams.length) {
        await new Promise(resolve => signal.addEventListener('abort', resolve));
      }
    },
    listTransfers: vi.fn(async () => ({ transfers: listed })),
    pauseTransfer: vi.fn(async (id: string) => transfer({ id, state: 'paused' })),
    resumeTransfer: vi.fn(async (id: string) => transfer({ id, state: 'queued' })),
    retryTransfer: vi.fn(async (id: string) => transfer({ id, state: 'queued' })),
    cancelTransfer: vi.fn(async (id: string) => transfer({ id, state: 'cancelled' })),
    removeTransfer: vi.fn(async () => undefined)
  };
  const sleep = async (ms: number) => {
    slept.push(ms);
  };
  const model = new TransfersModel({ server, sleep, onFinished });
  return { model, server, lastEventIds, slept, onFinished };
}

describe('TransfersModel', () => {
  it('reports the end of a running transfer, not of one that ended before', async () => {
    const { model, onFinished } = modelOf([
      async function* () {
        yield event(transfer({ id: 'old', state: 'completed' }));
        yield event(transfer({ id: 'new' }));
        yield event(transfer({ id: 'new', state: 'failed' }));
      }
    ]);
    model.start();
    await settle();
    expect(onFinished.mock.calls.map(([{ id, state }]) => [id, state])).toEqual([
      ['new', 'failed']
    ]);
    model.dispose();
  });

  it('reconnects with the last ID and increasing delays, and forgets removed transfers', async () => {
    const { model, lastEventIds, slept } = modelOf(
      [
        async function* () {
          yield event(transfer({ id: 'removed' }), '1');
          yield event(transfer({ id: 'kept' }), '2');
        },
        async function* () {
          throw new Error('reset');
        },
        async function* () {}
      ],
      [transfer({ id: 'kept' })]
    );
    model.start();
    await vi.waitFor(() => expect(lastEventIds).toHaveLength(3));
    expect(lastEventIds).toEqual(['', '2', '2']);
    expect(slept[1]).toBeGreaterThan(slept[0]);
    expect(model.transfers.map(({ id }) => id)).toEqual(['kept']);
    model.dispose();
  });

  it('opens only one stream, and after a refusal none until start() is called', async () => {
    const refuse: Stream = async function* () {
      throw new ApiError('HTTP403', 'no', 403);
    };
    const { model, lastEventIds } = modelOf([refuse, async function* () {}]);
    model.start();
    model.start();
    await settle();
    expect(lastEventIds).toHaveLength(1);
    model.start();
    await settle();
    expect(lastEventIds).toHaveLength(2);
    model.dispose();
  });

  it('keeps a cancelled transfer cancelled', async () => {
    const late = new Deferred<void>();
    const { model, server } = modelOf([
      async function* () {
        yield event(transfer({ id: 'a' }));
        await late.promise;
        yield event(transfer({ id: 'a', bytesDone: 5 }));
        yield { event: 'removed', data: '{"id":"none"}', lastEventId: '' };
      }
    ]);
    model.start();
    await settle();
    await model.cancel('a');
    late.resolve();
    await settle();
    expect(model.transfers[0].state).toBe('cancelled');
    await model.remove('a');
    expect(server.removeTransfer).toHaveBeenCalledWith('a');
    expect(model.transfers).toEqual([]);
    model.dispose();
  });

  it('does not show a transfer removed before the reply to its cancel', async () => {
    const events = [new Deferred<void>(), new Deferred<void>()];
    const { model, server } = modelOf([
      async function* () {
        yield event(transfer({ id: 'a' }));
        await events[0].promise;
        yield event(transfer({ id: 'a', state: 'cancelled' }));
        await events[1].promise;
        yield { event: 'removed', data: '{"id":"a"}', lastEventId: '' };
      }
    ]);
    const reply = new Deferred<Transfer>();
    server.cancelTransfer.mockReturnValueOnce(reply.promise);
    model.start();
    await settle();
    const cancelled = model.cancel('a');
    events[0].resolve();
    await settle();
    expect(model.transfers[0].state).toBe('cancelled');
    await model.remove('a');
    events[1].resolve();
    await settle();
    reply.resolve(transfer({ id: 'a', state: 'cancelled' }));
    await cancelled;
    expect(model.transfers).toEqual([]);
    model.dispose();
  });

  it('treats a missing transfer as removed, and reports other errors', async () => {
    const { model, server } = modelOf([
      async function* () {
        yield event(transfer({ id: 'a', state: 'completed' }));
        yield event(transfer({ id: 'b', state: 'completed' }));
      }
    ]);
    model.start();
    await settle();
    server.removeTransfer.mockRejectedValueOnce(new ApiError('NoSuchTransfer', 'no', 404));
    await model.remove('a');
    for (const refusal of [
      new ApiError('Conflict', 'no', 409),
      new ApiError(NOT_ENABLED, 'no', 404)
    ]) {
      server.removeTransfer.mockRejectedValueOnce(refusal);
      await expect(model.remove('b')).rejects.toThrow('no');
    }
    expect(model.transfers.map(({ id }) => id)).toEqual(['b']);
    model.dispose();
  });

  it('restarts failed transfers, here or in another tab, and reports their end', async () => {
    const elsewhere = new Deferred<void>();
    const { model, onFinished } = modelOf([
      async function* () {
        yield event(transfer({ id: 'a', state: 'failed' }));
        yield event(transfer({ id: 'b', state: 'failed' }));
        await elsewhere.promise;
        yield event(transfer({ id: 'b', state: 'running' }));
        yield event(transfer({ id: 'b', state: 'completed' }));
      }
    ]);
    model.start();
    await settle();
    await model.retry('a');
    expect(model.activeCount).toBe(1);
    elsewhere.resolve();
    await settle();
    expect(onFinished.mock.calls.map(([{ id, state }]) => [id, state])).toEqual([
      ['b', 'completed']
    ]);
    model.dispose();
  });

  it('pauses and resumes, and sends a token only if there is one', async () => {
    const { model, server } = modelOf([
      async function* () {
        yield event(transfer({ id: 'a' }));
      }
    ]);
    model.start();
    await settle();
    await model.pause('a');
    expect(model.transfers[0].state).toBe('paused');
    await model.resume('a', 'hf_secret');
    await model.resume('a');
    expect(server.resumeTransfer.mock.calls).toEqual([
      ['a', { token: 'hf_secret' }],
      ['a', {}]
    ]);
    expect(JSON.stringify(model.transfers)).not.toContain('hf_secret');
    model.dispose();
  });
});
