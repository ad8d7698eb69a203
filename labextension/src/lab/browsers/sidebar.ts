import type { ServerConnection } from '@jupyterlab/services';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import { OdhTecAPI } from '../../api/api';
import { named } from '../../api/bucketaddress';
import type { IObjectLocation } from '../../drive/documents';
import type { BrowserModel } from '../../list/browser';
import { ConnectionsModel } from '../../list/connections';
import { isLocation, type ILocation } from '../../list/storage';
import { UsageModel } from '../../list/usage';
import { sleep } from '../../sleep';
import { PANEL_ID, PLUGIN_ID, type Transfer } from '../../tokens';
import { TransfersModel } from '../../transfers/transfers';
import { AdaptiveLimit } from '../../uploads/sending/adaptivelimit';
import { maxRequests } from '../../uploads/sending/connections';
import { FileSender } from '../../uploads/sending/filesender';
import { whenOnline } from '../../uploads/sending/online';
import { UnfinishedModel } from '../../uploads/unfinished';
import { lockedUploads, lockUpload } from '../../uploads/uploadlocks';
import { UploadsModel } from '../../uploads/uploads';
import type { LabActions } from '../actions/labactions';
import { Dialogs } from '../dialogs/dialogs';
import type { Opener } from '../documents/opener';
import { TransferNotifications } from '../transfers/notifications';
import type { IBrowserInstance } from './browserinstance';
import { BrowserRegistry } from './browserregistry';
import type { BrowserPanel } from './panel';

/** Used until the server has reported how many files it transfers in parallel. */
const DEFAULT_CONCURRENCY = 2;
const DEFAULT_EDITOR_LIMIT_MB = 50;
const LOCATION_KEY = `${PLUGIN_ID}:place`;
const RECENT_KEY = `${PLUGIN_ID}:recent`;

/** Shared by the plugins of this extension; not for others. */
export const ISidebar = new Token<Sidebar>(
  'odhtec-jupyter:ISidebar',
  'The object storage panel with its models and actions.'
);

/** The models, actions and panel for one Jupyter server, and the registry of all browsers. */
export class Sidebar implements IBrowserInstance {
  constructor(private readonly _options: Sidebar.IOptions) {
    const { trans } = _options;
    const dialogs = new Dialogs(trans);
    this.api = new OdhTecAPI(_options.serverSettings);
    this.connections = new ConnectionsModel(this.api);
    this.usage = new UsageModel(this.api);
    this.transfers = new TransfersModel({
      server: this.api,
      sleep,
      onFinished: transfer => this._onFinished(transfer)
    });
    const sender = new FileSender({
      server: this.api,
      backoff: { sleep, whenOnline },
      maxRequests: maxRequests(),
      lock: lockUpload,
      onDiscarded: () => void this.unfinished.refresh()
    });
    this.uploads = new UploadsModel({
      send: job => sender.send(job),
      discard: id => sender.discard(id),
      ask: (batch, item, more) => dialogs.askConflict(batch, item, more),
      limit: () => this._concurrency,
      smallFiles: new AdaptiveLimit({ max: maxRequests(), now: () => performance.now() }),
      onSettled: batch => {
        this._notifications.uploadEnded(batch);
        this.refreshIfShown(batch.bucket, batch.prefix);
        void this.unfinished.refresh();
      }
    });
    this.unfinished = new UnfinishedModel({
      server: this.api,
      connections: () => this._usableConnections(),
      isOwn: id => this.uploads.has(id),
      locked: lockedUploads
    });
    this.browsers = this._createRegistry(dialogs);
    const instance = this.browsers.create({
      id: PANEL_ID,
      location: null,
      onFirstShown: () => void this._start()
    });
    ({ model: this.model, actions: this.actions, panel: this.panel } = instance);
    this._notifications = new TransferNotifications({
      isWanted: () => !this.browsers.isAnyVisible && this._setting('notifications', true),
      show: () => _options.bringToFront(this.panel),
      retryTransfer: id => this.actions.retryTransfer(id),
      retryUpload: id => this.uploads.retry(id),
      trans
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.panel.isVisible) {
        void this.connections.refresh();
        void this.unfinished.refresh();
      }
    });
    window.addEventListener('beforeunload', event => {
      // Uploads live in this page; the server's transfers do not.
      if (this.uploads.active) {
        event.preventDefault();
      }
    });
  }

  readonly api: OdhTecAPI;
  readonly model: BrowserModel;
  readonly connections: ConnectionsModel;
  readonly usage: UsageModel;
  readonly transfers: TransfersModel;
  readonly uploads: UploadsModel;
  readonly unfinished: UnfinishedModel;
  readonly actions: LabActions;
  readonly panel: BrowserPanel;
  /** All browsers of the page, including this one. */
  readonly browsers: BrowserRegistry;
  /** Handles files dropped from Lab's file browser, if there is one. */
  onContentsDropped:
    ((actions: LabActions, paths: readonly string[], target: ILocation) => void) | null = null;
  /** The user's settings, once they are loaded. */
  settings: ISettingRegistry.ISettings | null = null;
  /** Opens files; set by the documents plugin. */
  opener: Opener | null = null;

  /** The size limit of editors in bytes. */
  get editorSizeLimit(): number {
    return this._setting('editorSizeLimit', DEFAULT_EDITOR_LIMIT_MB) * 1024 * 1024;
  }

  /** The browser used last, on which commands act. */
  get current(): IBrowserInstance {
    return this.browsers.current;
  }

  /** Bring the browser used last to the front. */
  show(): void {
    this.browsers.show();
  }

  /** Emitted when another browser becomes current, or when the current one shows something else. */
  get currentChanged(): ISignal<object, void> {
    return this.browsers.currentChanged;
  }

  /** Create another browser for the main area. */
  openBrowser(id: string, location: ILocation | null): IBrowserInstance {
    const instance: IBrowserInstance = this.browsers.create({
      id,
      location,
      onFirstShown: () =>
        void (location ? instance.model.startAt(location) : instance.model.start())
    });
    return instance;
  }

  /** Refresh the lists that show this location after a change. */
  refreshIfShown(bucket: string, prefix: string): void {
    this.browsers.refreshIfShown(bucket, prefix);
  }

  private _createRegistry(dialogs: Dialogs): BrowserRegistry {
    const { trans, bringToFront } = this._options;
    const { api, connections, usage, transfers, uploads, unfinished } = this;
    return new BrowserRegistry({
      api,
      connections,
      usage,
      transfers,
      uploads,
      unfinished,
      dialogs,
      trans,
      bringToFront,
      setting: (name, fallback) => this._setting(name, fallback),
      openFile: (object, size) => this._openFile(object, size),
      previewFile: object => this.opener?.preview(object),
      onContentsDropped: (...dropped) => this.onContentsDropped?.(...dropped),
      onConcurrency: files => {
        this._concurrency = files;
      },
      onTransferEnded: transfer => this._onFinished(transfer),
      onFirstShown: () => {
        this._concurrencyRead ??= this._readConcurrency();
        // Uploads to connections that were not known yet.
        void connections.refresh().then(() => unfinished.refresh());
      }
    });
  }

  /** Return the names of the connections that can be used, or of the default one until they are known. */
  private _usableConnections(): string[] {
    const usable = this.connections.all.filter(({ error }) => error === null);
    return usable.length ? usable.map(({ name }) => named(name)) : [''];
  }

  private _setting<T extends boolean | number>(name: string, fallback: T): T {
    return (this.settings?.composite[name] as T | undefined) ?? fallback;
  }

  private _openFile(object: IObjectLocation, size?: number): void {
    if (this.opener) {
      this.opener.open(object, size);
    } else {
      window.open(this.api.viewUrl(object.bucket, object.key), '_blank', 'noopener');
    }
  }

  private async _start(): Promise<void> {
    const { state } = this._options;
    const location: unknown = await state?.fetch(LOCATION_KEY);
    this.model.recent.restore(await state?.fetch(RECENT_KEY));
    this.model.stateChanged.connect(this._remember, this);
    await this.model.start(isLocation(location) ? location : undefined);
  }

  private async _readConcurrency(): Promise<void> {
    try {
      this._concurrency = (await this.api.getConcurrency()).maxConcurrentTransfers;
    } catch {
      // The listing, requested at the same time, reports what is wrong.
    }
  }

  private _remember(): void {
    const { bucket, prefix, recent } = this.model;
    const location = JSON.stringify([bucket, prefix, recent.locations]);
    if (bucket !== null && location !== this._saved) {
      this._saved = location;
      void this._options.state?.save(LOCATION_KEY, { bucket, prefix });
      void this._options.state?.save(
        RECENT_KEY,
        recent.locations.map(known => ({ ...known }))
      );
    }
  }

  private _onFinished(transfer: Transfer): void {
    this._notifications.transferEnded(transfer);
    this.browsers.transferEnded(transfer);
  }

  private readonly _notifications: TransferNotifications;
  private _concurrencyRead: Promise<void> | null = null;
  private _concurrency = DEFAULT_CONCURRENCY;
  private _saved = '';
}

export namespace Sidebar {
  export interface IOptions {
    serverSettings: ServerConnection.ISettings;
    trans: TranslationBundle;
    state: IStateDB | null;
    bringToFront: (widget: Widget) => void;
  }
}
