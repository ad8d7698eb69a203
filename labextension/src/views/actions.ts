import type { IDragged } from '../list/changes/dragging';
import type { IRow } from '../list/rows';
import type { ILocation } from '../list/storage';
import type { FileState, Transfer, TransferFiles, Upload } from '../tokens';

/** The actions that users can start in a view. Lab implements them with its own dialogs. */
export interface IBrowserActions {
  /** Open a folder, or a file in the editor or viewer that suits it. */
  openRow(row: IRow): void;
  /** Preview a file. */
  previewRow(row: IRow): void;
  pickFiles(): void;
  pickFolder(): void;
  /** Upload dropped files to the prefix, or to the folder that is shown. */
  drop(data: DataTransfer, prefix?: string): void;
  /** Show the field for a new name, unless the connection is read-only. */
  startRenaming(key: string): void;
  rename(row: IRow, name: string): void;
  canMove(what: IDragged, target: ILocation): boolean;
  /** Move or copy rows; asks first if there are several or a folder. */
  moveRows(what: IDragged, target: ILocation, copies: boolean): void;
  newFolder(): void;
  newBucket(name: string): void;
  remove(rows: readonly IRow[]): void;
  copyUri(rows: readonly IRow[]): void;
  /** Copy a text to the clipboard. */
  copyText(text: string): void;
  downloadUrl(row: IRow): string;
  importModel(): void;
  settings(): void;
  addConnection(): void;
  /** Ask, then remove a connection that was added. */
  removeConnection(name: string): void;
  /** Ask, then save a connection that was added. */
  saveConnection(name: string): void;
  testConnection(name: string): void;
  refresh(): void;
  pauseTransfer(id: string): void;
  /** Resume a transfer; asks for the token if one is required. */
  resumeTransfer(transfer: Transfer): void;
  retryTransfer(id: string): void;
  cancelTransfer(id: string): void;
  removeTransfer(id: string): void;
  listTransferFiles(
    id: string,
    window: { state: FileState; offset: number; limit: number; signal: AbortSignal }
  ): Promise<TransferFiles>;
  /** Continue an interrupted upload: asks the user to select its file again. */
  chooseAgain(upload: Upload): void;
  /** Ask, then delete the uploaded parts of an interrupted upload. */
  discardUpload(upload: Upload): void;
}
