/** Server-sent events read from a fetch body: EventSource can neither send a token header nor be aborted. */

export interface IServerEvent {
  event: string;
  data: string;
  /** The last id seen so far, to be sent as `Last-Event-ID` when reconnecting. */
  lastEventId: string;
}

/** An incremental parser: accepts text in pieces of any size and returns complete events. */
export class EventParser {
  constructor(lastEventId = '') {
    this._lastEventId = lastEventId;
  }

  push(text: string): IServerEvent[] {
    const events: IServerEvent[] = [];
    // A carriage return at the end may be the first half of a CRLF, so keep it for the next piece.
    const buffered = this._buffer + text;
    const held = buffered.endsWith('\r') ? 1 : 0;
    const lines = buffered.slice(0, buffered.length - held).split(/\r\n|\n|\r/);
    this._buffer = lines.pop()! + (held ? '\r' : '');
    for (const line of lines) {
      if (line !== '') {
        this._field(line);
        continue;
      }
      if (this._data.length) {
        events.push({
          event: this._event || 'message',
          data: this._data.join('\n'),
          lastEventId: this._lastEventId
        });
      }
      this._event = '';
      this._data = [];
    }
    return events;
  }

  private _field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    switch (name) {
      case 'event':
        this._event = value;
        break;
      case 'data':
        this._data.push(value);
        break;
      case 'id':
        this._lastEventId = value;
        break;
    }
  }

  private _buffer = '';
  private _event = '';
  private _data: string[] = [];
  private _lastEventId: string;
}

/** The server sends a comment every 15 s; after three times that without a byte, the connection is considered dead. */
export const IDLE_TIMEOUT_MS = 45_000;

/** Yield the events of a body until it ends. Raises an error when the connection breaks or times out. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  lastEventId: string
): AsyncGenerator<IServerEvent> {
  const parser = new EventParser(lastEventId);
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('The event stream timed out.')), IDLE_TIMEOUT_MS);
      });
      const { done, value } = await Promise.race([reader.read(), silence]).finally(() =>
        clearTimeout(timer)
      );
      if (done) {
        return;
      }
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Release the connection, also when the consumer stops early.
    void reader.cancel().catch(() => undefined);
  }
}
