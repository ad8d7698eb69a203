import { Notification } from '@jupyterlab/apputils';
import type { ServerConnection } from '@jupyterlab/services';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';

import { OdhTecAPI } from './api';
import { BrowserModel } from './browser';
import { Dialogs } from './dialogs';
import { LabActions } from './labactions';
import { BrowserPanel } from './panel';
import { sleep } from './sleep';
import type { IPlace } from './storage';
import { PLUGIN_ID, type Transfer } from './tokens';
import { TransfersModel } from './transfers';
import { UploadsModel } from './uploads';
import { transferTitle } from './views/TransferRow';

/** Until the server has said how many files it moves at once. */
const DEFAULT_CONCURRENCY = 2;
const DEFAULT_PAGE_SIZE = 1000;
const PLACE_KEY = `${PLUGIN_ID}:place`;

/** The models, the actions and the panel, wired to one Jupyter server. */
export class Sidebar {
  constructor(private readonly _options: Sidebar.IOptions) {
    const { trans } = _options;
    const dialogs = new Dialogs(trans);
    this._api = new OdhTecAPI(_options.serverSettings);
    this.model = new BrowserModel({
      store: this._api,
      pageSize: () => (this.settings?.composite.pageSize as number) ?? DEFAULT_PAGE_SIZE
    });
    this.transfers = new TransfersModel({
      server: this._api,
      sleep,
      onFinished: transfer => this._onFinished(transfer)
    });
    this.uploads = new UploadsModel({
      put: (bucket, key, file, options) => this._api.putObject(bucket, key, file, options),
      ask: (batch, item, more) => dialogs.askConflict(batch, item, more),
      limit: () => this._concurrency,
      onSettled: batch => this._refreshIfShown(batch.bucket, batch.prefix)
    });
    this.actions = new LabActions({
      api: this._api,
      model: this.model,
      uploads: this.uploads,
      transfers: this.transfers,
      dialogs,
      trans,
      confirmDelete: () => (this.settings?.composite.confirmDelete as boolean) ?? true,
      onConcurrency: files => {
        this._concurrency = files;
      }
    });
    this.panel = new BrowserPanel({
      model: this.model,
      transfers: this.transfers,
      uploads: this.uploads,
      actions: this.actions,
      trans,
      onFirstShown: () => void this._start()
    });
    window.addEventListener('beforeunload', event => {
      // Uploads live in this page; the server's transfers do not.
      if (this.uploads.active) {
        event.preventDefault();
      }
    });
  }

  readonly model: BrowserModel;
  readonly transfers: TransfersModel;
  readonly uploads: UploadsModel;
  readonly actions: LabActions;
  readonly panel: BrowserPanel;
  /** The user's settings, once they are loaded. */
  settings: ISettingRegistry.ISettings | null = null;

  private async _start(): Promise<void> {
    const { state } = this._options;
    const place = (await state?.fetch(PLACE_KEY)) as IPlace | undefined;
    this.model.stateChanged.connect(this._remember, this);
    this.transfers.start();
    await Promise.all([this.model.start(place), this._readConcurrency()]);
  }

  private async _readConcurrency(): Promise<void> {
    try {
      this._concurrency = (await this._api.getConcurrency()).maxConcurrentTransfers;
    } catch {
      // The listing, asked for at the same time, tells what is wrong.
    }
  }

  private _remember(): void {
    const { bucket, prefix } = this.model;
    const place = JSON.stringify([bucket, prefix]);
    if (bucket !== null && place !== this._saved) {
      this._saved = place;
      void this._options.state?.save(PLACE_KEY, { bucket, prefix });
    }
  }

  private _onFinished(transfer: Transfer): void {
    const { trans } = this._options;
    const title = transferTitle(transfer, trans);
    if (transfer.state === 'completed') {
      Notification.success(trans.__('%1: completed', title));
    } else if (transfer.state === 'failed') {
      const why = transfer.error?.message ?? trans.__('failed');
      Notification.error(trans.__('%1: %2', title, why), { autoClose: false });
    }
    for (const uri of [transfer.source, transfer.target]) {
      const match = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri);
      if (match) {
        this._refreshIfShown(match[1], match[2]);
        return;
      }
    }
  }

  private _refreshIfShown(bucket: string, prefix: string): void {
    if (this.model.shows(bucket, prefix)) {
      void this.model.refresh();
    }
  }

  private readonly _api: OdhTecAPI;
  private _concurrency = DEFAULT_CONCURRENCY;
  private _saved = '';
}

export namespace Sidebar {
  export interface IOptions {
    serverSettings: ServerConnection.ISettings;
    trans: TranslationBundle;
    state: IStateDB | null;
  }
}
