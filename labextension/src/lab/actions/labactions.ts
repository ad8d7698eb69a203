import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { OdhTecAPI } from '../../api/api';
import { connectionOf } from '../../api/bucketaddress';
import { s3Uri } from '../../api/keys';
import { ApiError } from '../../api/request';
import type { IObjectLocation } from '../../drive/documents';
import type { BrowserModel } from '../../list/browser';
import type { IDragged } from '../../list/changes/dragging';
import type { Edits } from '../../list/changes/edits';
import type { IWorkspaceItem, Moves } from '../../list/changes/moves';
import type { ConnectionsModel } from '../../list/connections';
import type { IRow } from '../../list/rows';
import type { ILocation } from '../../list/storage';
import type { Transfer, Upload } from '../../tokens';
import type { TransfersModel } from '../../transfers/transfers';
import { droppedEntries, filesOf, pickedFiles } from '../../uploads/dropped';
import { fileMismatch, type UnfinishedModel } from '../../uploads/unfinished';
import type { UploadsModel } from '../../uploads/uploads';
import type { IBrowserActions } from '../../views/actions';
import { readOnlyReason } from '../../views/readonly';
import { transferTitle } from '../../views/transfers/TransferRow';
import type { Dialogs } from '../dialogs/dialogs';
import { notifyIfFails, notifyRefused } from '../errornotifications';
import type { ConnectionActions } from './connectionactions';
import { mismatchText } from './mismatchtext';
import type { ObjectActions } from './objectactions';

/** The browser's actions in Lab, with its dialogs, notifications and clipboard. */
export class LabActions implements IBrowserActions {
  constructor(private readonly _options: LabActions.IOptions) {}

  get objects(): ObjectActions {
    return this._options.objects;
  }

  openRow(row: IRow): void {
    const { model } = this._options;
    if (row.kind === 'folder') {
      void model.open(model.bucket!, row.key);
    } else {
      this._options.openFile({ bucket: model.bucket!, key: row.key }, row.size);
    }
  }

  previewRow({ key }: IRow): void {
    this._options.previewFile({ bucket: this._options.model.bucket!, key });
  }

  pickFiles(): void {
    this._write(() => this._pick(false));
  }

  pickFolder(): void {
    this._write(() => this._pick(true));
  }

  drop(data: DataTransfer, prefix = this._options.model.prefix): void {
    const { model, uploads, trans } = this._options;
    const { bucket } = model;
    const entries = droppedEntries(data);
    if (bucket !== null && entries.length && this._isWritable(model.connection)) {
      this._try(trans.__('The dropped files could not be read'), async () => {
        uploads.add(bucket, prefix, await filesOf(entries));
      });
    }
  }

  newFolder(): void {
    const { model, edits, dialogs, trans } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null || !this._isWritable(model.connection)) {
      return;
    }
    this._try(trans.__('The folder could not be created'), async () => {
      const name = await dialogs.newFolder(s3Uri(bucket, prefix));
      if (name) {
        await edits.createFolder(name);
      }
    });
  }

  newBucket(suggested: string): void {
    const { model, edits, dialogs, trans } = this._options;
    const { connection } = model;
    if (!this._isWritable(connection)) {
      return;
    }
    this._try(trans.__('The bucket could not be created'), async () => {
      const name = await dialogs.newBucket(suggested);
      if (name?.includes('@')) {
        throw new ApiError('BadRequest', trans.__('The name of a bucket cannot contain @.'), 400);
      }
      if (name) {
        await edits.createBucket(name, connection);
      }
    });
  }

  remove(rows: readonly IRow[]): void {
    this._write(() => void this._options.objects.remove(rows));
  }

  startRenaming(key: string): void {
    this._write(() => this._options.model.setRenaming(key));
  }

  rename(row: IRow, name: string): void {
    const { moves, trans } = this._options;
    this._try(trans.__('The item could not be renamed'), () => moves.rename(row, name));
  }

  canMove: IBrowserActions['canMove'] = (what, target) =>
    this._readOnlyReason(connectionOf(target.bucket)) === null &&
    this._options.moves.canMove(what, target);

  moveRows: IBrowserActions['moveRows'] = (what, target, copies) => {
    const { moves, trans } = this._options;
    const title = copies
      ? trans.__('The items could not be copied')
      : trans.__('The items could not be moved');
    // A move deletes what it has copied.
    const written = [target.bucket, ...(copies ? [] : [what.bucket])];
    if (!written.every(bucket => this._isWritable(connectionOf(bucket)))) {
      return;
    }
    this._try(title, () => moves.moveRows(what, target, copies));
  };

  /** Copy rows to a folder of the server: the one Lab's file browser shows, or the one they were dropped on. */
  copyToWorkspace(what: IDragged, path: string): void {
    const { moves, trans } = this._options;
    this._try(trans.__('The items could not be copied'), () => moves.toWorkspace(what, path));
  }

  copyFromWorkspace(items: readonly IWorkspaceItem[], target: ILocation): void {
    const { moves, trans } = this._options;
    if (this._isWritable(connectionOf(target.bucket))) {
      this._try(trans.__('The items could not be copied'), () =>
        moves.fromWorkspace(items, target)
      );
    }
  }

  copyUri(rows: readonly IRow[]): void {
    const bucket = this._options.model.bucket!;
    Clipboard.copyToSystem(rows.map(({ key }) => s3Uri(bucket, key)).join('\n'));
  }

  downloadUrl(row: IRow): string {
    const { model, api } = this._options;
    return api.downloadUrl(model.bucket!, row.key);
  }

  download(rows: readonly IRow[]): void {
    this._options.objects.download(rows);
  }

  importModel(): void {
    this._write(() => void this._options.objects.importModel());
  }

  copyText(text: string): void {
    Clipboard.copyToSystem(text);
  }

  settings(): void {
    const { model, connections, api, dialogs } = this._options;
    void dialogs.settings({
      server: api,
      onS3Saved: () => {
        void model.reconnect();
        void connections.refresh();
      },
      onConcurrencySaved: this._options.onConcurrency
    });
  }

  addConnection(): void {
    void this._options.connectionActions.add(this._options.model);
  }

  removeConnection(name: string): void {
    void this._options.connectionActions.remove(name);
  }

  saveConnection(name: string): void {
    void this._options.connectionActions.save(name);
  }

  testConnection(name: string): void {
    void this._options.connectionActions.test(name);
  }

  refresh(): void {
    void this._options.model.refresh();
    void this._options.connections.refresh();
    // Retry an event stream that was refused.
    this._options.transfers.start();
    void this._options.unfinished.refresh();
  }

  pauseTransfer(id: string): void {
    const { transfers, trans } = this._options;
    this._try(trans.__('The transfer could not be paused'), () => transfers.pause(id));
  }

  resumeTransfer(transfer: Transfer): void {
    const { transfers, dialogs, trans } = this._options;
    this._try(trans.__('The transfer could not be resumed'), async () => {
      if (transfer.needs !== 'token') {
        await transfers.resume(transfer.id);
        return;
      }
      const token = await dialogs.askToken(transferTitle(transfer, trans));
      if (token) {
        await transfers.resume(transfer.id, token);
      }
    });
  }

  retryTransfer(id: string): void {
    const { transfers, trans } = this._options;
    this._try(trans.__('The transfer could not be retried'), () => transfers.retry(id));
  }

  cancelTransfer(id: string): void {
    const { transfers, trans } = this._options;
    this._try(trans.__('The transfer could not be cancelled'), () => transfers.cancel(id));
  }

  removeTransfer(id: string): void {
    const { transfers, trans } = this._options;
    this._try(trans.__('The transfer could not be cleared'), () => transfers.remove(id));
  }

  listTransferFiles: IBrowserActions['listTransferFiles'] = (id, window) =>
    this._options.api.listTransferFiles(id, window);

  chooseAgain(upload: Upload): void {
    const { uploads, dialogs, trans } = this._options;
    choose({ multiple: false }, ([file]) => {
      const why = file && fileMismatch(upload, file);
      if (why) {
        const reason = mismatchText(why, upload, file, trans);
        void dialogs.showError(trans.__('Different File Chosen'), reason);
      } else if (file) {
        uploads.resumeInterrupted(upload, file);
      }
    });
  }

  discardUpload(upload: Upload): void {
    const { unfinished, dialogs, trans } = this._options;
    this._try(trans.__('The upload could not be discarded'), async () => {
      if (await dialogs.confirmDiscard(upload)) {
        await unfinished.discard(upload.uploadId);
      }
    });
  }

  private _readOnlyReason(connection: string): string | null {
    const { connections, trans } = this._options;
    return readOnlyReason(connection, connections, trans);
  }

  /** Return whether a connection can be written to; otherwise say why not. */
  private _isWritable(connection: string): boolean {
    const why = this._readOnlyReason(connection);
    if (why !== null) {
      notifyRefused(why);
    }
    return why === null;
  }

  /** Do this unless the open connection is read-only. */
  private _write(work: () => void): void {
    if (this._isWritable(this._options.model.connection)) {
      work();
    }
  }

  private _pick(folder: boolean): void {
    const { model, uploads } = this._options;
    const { bucket, prefix } = model;
    if (bucket !== null) {
      choose({ multiple: true, webkitdirectory: folder }, files => {
        uploads.add(bucket, prefix, pickedFiles(files));
      });
    }
  }

  private _try(title: string, work: () => Promise<void>): void {
    void notifyIfFails(title, this._options.trans, work);
  }
}

/** Open the web browser's file chooser. */
function choose(
  how: Pick<HTMLInputElement, 'multiple'> & { webkitdirectory?: boolean },
  onChosen: (files: readonly File[]) => void
): void {
  const input = document.createElement('input');
  Object.assign(input, { type: 'file', ...how });
  input.onchange = () => onChosen([...(input.files ?? [])]);
  input.click();
}

export namespace LabActions {
  export interface IOptions {
    api: OdhTecAPI;
    model: BrowserModel;
    connections: ConnectionsModel;
    connectionActions: ConnectionActions;
    edits: Edits;
    moves: Moves;
    uploads: UploadsModel;
    transfers: TransfersModel;
    unfinished: UnfinishedModel;
    dialogs: Dialogs;
    objects: ObjectActions;
    trans: TranslationBundle;
    /** Open an object in the editor or viewer that suits it. */
    openFile: (object: IObjectLocation, size?: number) => void;
    previewFile: (object: IObjectLocation) => void;
    onConcurrency: (files: number) => void;
  }
}
