import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { s3Uri } from '../api/keys';
import type { ApiError } from '../api/request';
import { SizeCounter } from './sizecounter';

/** The known usage of a folder. */
export interface IUsage {
  objects: number;
  bytes: number;
  state: 'counting' | 'counted' | 'stopped' | 'failed';
  error: ApiError | null;
}

/** Counts the usage of folders in the background. A stopped count keeps its result so far. */
export class UsageModel implements IDisposable {
  constructor(private readonly _server: UsageModel.IServer) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
    this._counts.forEach(({ counter }) => counter.dispose());
  }

  get(bucket: string, prefix: string): IUsage | undefined {
    return this._counts.get(s3Uri(bucket, prefix))?.usage;
  }

  get isCounting(): boolean {
    return [...this._counts.values()].some(({ counter }) => counter.counting);
  }

  async count(bucket: string, prefix: string): Promise<void> {
    const uri = s3Uri(bucket, prefix);
    if (this._counts.get(uri)?.counter.counting) {
      return;
    }
    const counter = new SizeCounter(this._server, bucket, [
      { kind: 'folder', key: prefix, name: '' }
    ]);
    const count = { counter, usage: usageOf(counter) };
    this._counts.set(uri, count);
    counter.stateChanged.connect(() => {
      // Use a new object, because rows compare it to know whether to redraw.
      count.usage = usageOf(counter);
      this._stateChanged.emit();
    });
    await counter.start();
  }

  stop(bucket: string, prefix: string): void {
    this._counts.get(s3Uri(bucket, prefix))?.counter.stop();
  }

  stopAll(): void {
    this._counts.forEach(({ counter }) => counter.stop());
  }

  /** Discard counts that a change below this prefix may have made wrong. */
  invalidate(bucket: string, prefix: string): void {
    const changed = s3Uri(bucket, prefix);
    for (const [uri, { counter }] of this._counts) {
      if (!counter.counting && (changed.startsWith(uri) || uri.startsWith(changed))) {
        this._counts.delete(uri);
        counter.dispose();
      }
    }
    this._stateChanged.emit();
  }

  /** Discard the counts of a connection that does not exist any more, or is another one now. */
  forgetConnection(name: string): void {
    const start = s3Uri(`${name}@`, '').slice(0, -1);
    for (const [uri, { counter }] of this._counts) {
      if (uri.startsWith(start)) {
        this._counts.delete(uri);
        counter.dispose();
      }
    }
    this._stateChanged.emit();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _counts = new Map<string, { counter: SizeCounter; usage: IUsage }>();
  private _isDisposed = false;
}

function usageOf({ objects, bytes, counting, complete, error }: SizeCounter): IUsage {
  const ended = complete ? 'counted' : error ? 'failed' : 'stopped';
  return { objects, bytes, state: counting ? 'counting' : ended, error };
}

export namespace UsageModel {
  export type IServer = SizeCounter.IServer;
}
