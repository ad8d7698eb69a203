import { afterEach, describe, expect, it, vi } from 'vitest';

import { EventParser, readEvents, IDLE_TIMEOUT_MS } from './sse';

const STREAM =
  ': hello\r\n\r\nid: 7\r\nevent: transfer\r\ndata: {"a":\r\ndata: "日"}\r\n\r\nid: 8\ndata: x\n\n';
const EVENTS = [
  { event: 'transfer', data: '{"a":\n"日"}', lastEventId: '7' },
  { event: 'message', data: 'x', lastEventId: '8' }
];

describe('EventParser', () => {
  it('returns the same events however the text is split', () => {
    for (let size = 1; size <= STREAM.length; size++) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < STREAM.length; at += size) {
        events.push(...parser.push(STREAM.slice(at, at + size)));
      }
      expect(events).toEqual(EVENTS);
    }
  });

  it('keeps the last ID for events without one, and returns no unfinished event', () => {
    const parser = new EventParser('41');
    expect(parser.push('data: a\n\ndata: b\n')).toEqual([
      { event: 'message', data: 'a', lastEventId: '41' }
    ]);
  });
});

describe('readEvents', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('decodes letters whose bytes are split between chunks', async () => {
    const bytes = new TextEncoder().encode(STREAM);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        bytes.forEach((_, at) => controller.enqueue(bytes.slice(at, at + 1)));
        controller.close();
      }
    });
    const events = [];
    for await (const event of readEvents(body, '')) {
      events.push(event);
    }
    expect(events).toEqual(EVENTS);
  });

  it('closes a connection that times out', async () => {
    vi.useFakeTimers();
    const cancel = vi.fn();
    const next = readEvents(new ReadableStream({ cancel }), '').next();
    const failed = expect(next).rejects.toThrow(/timed out/);
    await vi.advanceTimersByTimeAsync(IDLE_TIMEOUT_MS);
    await failed;
    expect(cancel).toHaveBeenCalled();
  });
});
