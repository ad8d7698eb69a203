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

/** The server's transfers, updated by one event stream. The server owns them, so a reload loses nothing. */
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

  /** Subscribe to the event stream, unless already subscribed. */
  start(): void {
    if (!this._isReading && !this.isDisposed) {
      this._isReading = true;
      void this._readEvents().finally(() => {
        this._isReading = false;
      });
    }
  }

  /** Add a transfer that was just started, before the stream reports it. */
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

  /** Resume. A token is sent once and not stored. */
  async resume(id: string, token?: string): Promise<void> {
    this._applyReply(await this._options.server.resumeTransfer(id, token ? { token } : {}));
  }

  /** Retry the failed files. */
  async retry(id: string): Promise<void> {
    this._applyReply(await this._options.server.retryTransfer(id));
  }

  async cancel(id: string): Promise<void> {
    this._applyReply(await this._options.server.cancelTransfer(id));
  }

  /** Remove a transfer; another tab may already have removed it. */
  async remove(id: string): Promise<void> {
    try {
      await this._options.server.removeTransfer(id);
    } catch (reason) {
      // Any other 404 comes from a hub or a proxy whose server is not running.
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
        // A refused request would be refused again; a later start() retries it.
        if (reason instanceof ApiError && reason.status >= 400 && reason.status < 500) {
          return;
        }
      }
      // Jitter, so that the tabs of a restarted server do not all reconnect at the same time.
      await this._options.sleep(delay * (0.75 + Math.random() / 2), signal);
      delay = Math.min(delay * 2, MAX_DELAY_MS);
      await this._forgetRemoved(signal);
    }
  }

  /** A restarted server does not replay removals that happened while disconnected. */
  private async _forgetRemoved(signal: AbortSignal): Promise<void> {
    const before = [...this._transfers.keys()];
    try {
      const { transfers } = await this._options.server.listTransfers(signal);
      const present = new Set(transfers.map(({ id }) => id));
      before.filter(id => !present.has(id)).forEach(id => this._forget(id));
      this._stateChanged.emit();
    } catch {
      // The server is still not reachable; the stream is tried next.
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
    // The reply to a cancel may arrive after the transfer was removed.
    if (this._removed.has(transfer.id)) {
      return;
    }
    const before = this._transfers.get(transfer.id);
    // The reply to a cancel and the stream may overtake each other, so a finished transfer stays finished. Only a
    // failed one can be started again, here or in another tab.
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
  /** IDs are never reused. */
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
    /** Wait, or return immediately when the signal is aborted. */
    sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    /** Called when a transfer that was running has finished. */
    onFinished?: (transfer: Transfer) => void;
  }
}
