import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IBrowserActions } from './actions';
import type { OdhTecAPI } from './api';
import type { INamedFile } from './batch';
import type { BrowserModel } from './browser';
import type { Dialogs } from './dialogs';
import { droppedEntries, filesOf, pickedFiles } from './dropped';
import { s3Uri } from './keys';
import { ApiError } from './request';
import type { IRow } from './rows';
import type { TransfersModel } from './transfers';
import type { UploadsModel } from './uploads';

/** The browser's actions inside Lab: with its dialogs, notifications and clipboard. */
export class LabActions implements IBrowserActions {
  constructor(private readonly _options: LabActions.IOptions) {}

  openRow(row: IRow): void {
    const { model, api } = this._options;
    if (row.kind === 'folder') {
      void model.open(model.bucket!, row.key);
    } else {
      window.open(api.viewUrl(model.bucket!, row.key), '_blank', 'noopener');
    }
  }

  pickFiles(): void {
    this._pick(false);
  }

  pickFolder(): void {
    this._pick(true);
  }

  drop(data: DataTransfer): void {
    const { model, uploads, trans } = this._options;
    const { bucket, prefix } = model;
    const entries = droppedEntries(data);
    if (bucket !== null && entries.length) {
      this._try(trans.__('The drop could not be read'), async () => {
        uploads.add(bucket, prefix, await filesOf(entries));
      });
    }
  }

  newFolder(): void {
    const { model, dialogs, trans } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null) {
      return;
    }
    this._try(trans.__('The folder could not be created'), async () => {
      const name = await dialogs.newFolder(s3Uri(bucket, prefix));
      if (name) {
        await model.createFolder(name);
      }
    });
  }

  newBucket(suggested: string): void {
    const { model, dialogs, trans } = this._options;
    this._try(trans.__('The bucket could not be created'), async () => {
      const name = await dialogs.newBucket(suggested);
      if (name) {
        await model.createBucket(name);
      }
    });
  }

  remove(rows: readonly IRow[]): void {
    const { model, transfers, dialogs, trans } = this._options;
    if (!rows.length) {
      return;
    }
    this._try(trans.__('This could not be deleted'), async () => {
      // A folder may hold a million objects: it always asks.
      const ask = this._options.confirmDelete() || rows.some(({ kind }) => kind === 'folder');
      const place = s3Uri(model.bucket!, model.prefix);
      if (ask && !(await dialogs.confirmDelete(rows))) {
        return;
      }
      // The dialog was open for a while: rows of another place must not be deleted here.
      if (place !== s3Uri(model.bucket!, model.prefix)) {
        return;
      }
      const { errors, transfer } = await model.remove(rows);
      if (transfer) {
        transfers.add(transfer);
      }
      if (errors.length) {
        await dialogs.showFailures(
          trans._n('One object was not deleted', '%1 objects were not deleted', errors.length),
          errors
        );
      }
    });
  }

  copyUri(rows: readonly IRow[]): void {
    const bucket = this._options.model.bucket!;
    Clipboard.copyToSystem(rows.map(({ key }) => s3Uri(bucket, key)).join('\n'));
  }

  downloadUrl(row: IRow): string {
    const { model, api } = this._options;
    return api.downloadUrl(model.bucket!, row.key);
  }

  /** The browser's own download of each file; a folder is none. */
  download(rows: readonly IRow[]): void {
    for (const row of rows.filter(({ kind }) => kind === 'file')) {
      const link = document.createElement('a');
      link.href = this.downloadUrl(row);
      link.download = row.name;
      link.click();
    }
  }

  importModel(): void {
    const { model, api, transfers, dialogs } = this._options;
    const { bucket } = model;
    if (bucket !== null) {
      void dialogs.importModel({
        bucket,
        lookUp: (repo, options) => api.getHubRepo(repo, options),
        start: request => api.importFromHub(request),
        onStarted: transfer => transfers.add(transfer)
      });
    }
  }

  settings(): void {
    const { model, api, dialogs } = this._options;
    void dialogs.settings({
      server: api,
      onS3Saved: () => void model.reconnect(),
      onConcurrencySaved: this._options.onConcurrency
    });
  }

  refresh(): void {
    void this._options.model.refresh();
    // A stream that was refused is asked for again.
    this._options.transfers.start();
  }

  cancelTransfer(id: string): void {
    const { transfers, trans } = this._options;
    this._try(trans.__('The transfer could not be cancelled'), () => transfers.cancel(id));
  }

  removeTransfer(id: string): void {
    const { transfers, trans } = this._options;
    this._try(trans.__('The transfer could not be cleared'), () => transfers.remove(id));
  }

  private _pick(folder: boolean): void {
    const { model, uploads } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null) {
      return;
    }
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.webkitdirectory = folder;
    input.onchange = () => {
      const files: INamedFile[] = pickedFiles(input.files ?? []);
      uploads.add(bucket, prefix, files);
    };
    input.click();
  }

  private _try(title: string, work: () => Promise<void>): void {
    work().catch(reason => {
      const { message } = ApiError.from(reason);
      Notification.error(`${title}: ${message}`, { autoClose: false });
    });
  }
}

export namespace LabActions {
  export interface IOptions {
    api: OdhTecAPI;
    model: BrowserModel;
    uploads: UploadsModel;
    transfers: TransfersModel;
    dialogs: Dialogs;
    trans: TranslationBundle;
    /** Whether deleting files asks first. */
    confirmDelete: () => boolean;
    onConcurrency: (files: number) => void;
  }
}
