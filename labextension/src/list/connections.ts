import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { DEFAULT_CONNECTION, named } from '../api/bucketaddress';
import type {
  ConnectionList,
  ConnectionPreset,
  ConnectionRequest,
  ConnectionSummary
} from '../tokens';

/** The connections of the server. All browsers of the page share them. */
export class ConnectionsModel implements IDisposable {
  constructor(private readonly _server: ConnectionsModel.IServer) {}

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** In the order of their sources. Empty until they are read. */
  get all(): readonly ConnectionSummary[] {
    return this._list?.connections ?? [];
  }

  /** What to start a new connection with. */
  get presets(): readonly ConnectionPreset[] {
    return this._list?.presets ?? [];
  }

  /** Find a connection by its name, which is empty for the default one. */
  find(name: string): ConnectionSummary | undefined {
    return this.all.find(connection => named(connection.name) === named(name));
  }

  /** The title of a connection, else its name. */
  titleOf(name: string): string {
    return this.find(name)?.title || named(name) || DEFAULT_CONNECTION;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Read the connections. The latest of several requests wins; after an error, the old list stays. */
  async refresh(): Promise<void> {
    const number = ++this._requestNumber;
    try {
      const list = await this._server.listConnections();
      if (number === this._requestNumber) {
        this._list = list;
        this._stateChanged.emit();
      }
    } catch {
      // The list of objects reports the error.
    }
  }

  /** Add a connection until the server stops. */
  async add(what: ConnectionRequest): Promise<ConnectionSummary> {
    const added = await this._server.addConnection(what);
    await this.refresh();
    return added;
  }

  async remove(name: string): Promise<void> {
    await this._server.removeConnection(name);
    await this.refresh();
  }

  /** Save an added connection as an AWS profile. */
  async save(name: string): Promise<void> {
    await this._server.saveConnection(name);
    await this.refresh();
  }

  private readonly _stateChanged = new Signal<this, void>(this);
  private _list: ConnectionList | null = null;
  private _requestNumber = 0;
  private _isDisposed = false;
}

export namespace ConnectionsModel {
  export interface IServer {
    listConnections(): Promise<ConnectionList>;
    addConnection(what: ConnectionRequest): Promise<ConnectionSummary>;
    removeConnection(name: string): Promise<void>;
    saveConnection(name: string): Promise<ConnectionSummary>;
  }
}
