import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError } from '../api/request';
import type { IServerEvent } from '../api/sse';
import type { ContinueRequest, Transfer, TransferList } from '../tokens';

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;

export function isFinished(transfer: Transfer): boolean {
  return ['completed', 'failed', 'cancelled'].includes(transfer.state);
}

/** The server's transfers, as its one event stream tells them. The server owns them; a reload loses nothing. */
export class TransfersModel implements IDisposable {
  constructor(private readonly _options: TransfersModel.IOptions) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Newest first. */
  get transfers(): readonly Transfer[] {
    return [...this._transfers.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  get activeCount(): number {
    return [...this._transfers.values()].filter(transfer => !isFinished(transfer)).length;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  dispose(): void {
    this._abort.abort();
    Signal.clearData(this);
  }

  /** Watch the stream, unless that is done already. */
  start(): void {
    if (!this._isReading && !this.isDisposed) {
      this._isReading = true;
      void this._readEvents().finally(() => {
        this._isReading = false;
      });
    }
  }

  /** A transfer that a request has just started; the stream will say the same a moment later. */
  add(transfer: Transfer): void {
    if (!this._transfers.has(transfer.id)) {
      this._store(transfer);
      this._stateChanged.emit();
    }
    this.start();
  }

  async pause(id: string): Promise<void> {
    this._applyReply(await this._options.server.pauseTransfer(id));
  }

  /** A token is sent once and kept nowhere. */
  async resume(id: string, token?: string): Promise<void> {
    this._applyReply(await this._options.server.resumeTransfer(id, token ? { token } : {}));
  }

  /** Try again what failed. */
  async retry(id: string): Promise<void> {
    this._applyReply(await this._options.server.retryTransfer(id));
  }

  async cancel(id: string): Promise<void> {
    this._applyReply(await this._options.server.cancelTransfer(id));
  }

  /** Also when it is gone already: another tab may have removed it. */
  async remove(id: string): Promise<void> {
    try {
      await this._options.server.removeTransfer(id);
    } catch (reason) {
      // A 404 of another kind comes from a hub or a proxy whose server is not there now.
      if (!(reason instanceof ApiError && reason.code === 'NoSuchTransfer')) {
        throw reason;
      }
    }
    this._forget(id);
    this._stateChanged.emit();
  }

  private _applyReply(transfer: Transfer): void {
    this._store(transfer);
    this._stateChanged.emit();
  }

  private async _readEvents(): Promise<void> {
    const { server } = this._options;
    const { signal } = this._abort;
    let delay = FIRST_DELAY_MS;
    while (!signal.aborted) {
      try {
        for await (const event of server.transferEvents(this._lastEventId, signal)) {
          delay = FIRST_DELAY_MS;
          this._lastEventId = event.lastEventId;
          this._apply(event);
        }
      } catch (reason) {
        // A refusal does not go away by asking again; a later start() asks once more.
        if (reason instanceof ApiError && reason.status >= 400 && reason.status < 500) {
          return;
        }
      }
      // Some jitter, so that the tabs of a restarted server do not all come at once.
      await this._options.sleep(delay * (0.75 + Math.random() / 2), signal);
      delay = Math.min(delay * 2, MAX_DELAY_MS);
      await this._forgetRemoved(signal);
    }
  }

  /** What was removed while we were not listening is in no replay of a server that was restarted. */
  private async _forgetRemoved(signal: AbortSignal): Promise<void> {
    const before = [...this._transfers.keys()];
    try {
      const { transfers } = await this._options.server.listTransfers(signal);
      const present = new Set(transfers.map(({ id }) => id));
      before.filter(id => !present.has(id)).forEach(id => this._forget(id));
      this._stateChanged.emit();
    } catch {
      // Still away: the stream is tried next, and decides.
    }
  }

  private _apply(event: IServerEvent): void {
    if (event.event === 'transfer') {
      this._store(JSON.parse(event.data) as Transfer);
    } else if (event.event === 'removed') {
      this._forget((JSON.parse(event.data) as { id: string }).id);
    } else {
      return;
    }
    this._stateChanged.emit();
  }

  private _forget(id: string): void {
    this._transfers.delete(id);
    this._removed.add(id);
  }

  private _store(transfer: Transfer): void {
    // The reply of a cancel may come after the transfer was removed, which the stream allows as soon as it says so.
    if (this._removed.has(transfer.id)) {
      return;
    }
    const before = this._transfers.get(transfer.id);
    // The reply of a cancel and the stream may overtake each other: what is finished stays so. Only what failed is
    // begun again, here or in another tab.
    if (before && isFinished(before) && before.state !== 'failed' && !isFinished(transfer)) {
      return;
    }
    this._transfers.set(transfer.id, transfer);
    if (before && !isFinished(before) && isFinished(transfer)) {
      this._options.onFinished?.(transfer);
    }
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _transfers = new Map<string, Transfer>();
  /** Ids are never used again. */
  private readonly _removed = new Set<string>();
  private readonly _abort = new AbortController();
  private _lastEventId = '';
  private _isReading = false;
}

export namespace TransfersModel {
  export interface IServer {
    transferEvents(lastEventId: string, signal: AbortSignal): AsyncIterable<IServerEvent>;
    listTransfers(signal?: AbortSignal): Promise<TransferList>;
    pauseTransfer(id: string): Promise<Transfer>;
    resumeTransfer(id: string, what: ContinueRequest): Promise<Transfer>;
    retryTransfer(id: string, what?: ContinueRequest): Promise<Transfer>;
    cancelTransfer(id: string): Promise<Transfer>;
    removeTransfer(id: string): Promise<void>;
  }

  export interface IOptions {
    server: IServer;
    /** Wait, or return at once when the signal is aborted. */
    sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    /** A transfer that was seen running has ended. */
    onFinished?: (transfer: Transfer) => void;
  }
}
