import type { IDragged } from '../list/dragging';
import type { IRow } from '../list/rows';
import type { ILocation } from '../list/storage';
import type { FileState, Transfer, TransferFiles, Upload } from '../tokens';

/** What a user can start from a view. The homes of the browser implement it with their own dialogs. */
export interface IBrowserActions {
  /** Open a folder, or a file in what fits it. */
  openRow(row: IRow): void;
  /** Show what is in a file. */
  previewRow(row: IRow): void;
  pickFiles(): void;
  pickFolder(): void;
  /** Upload what was dropped, into a folder of the bucket or where one is. */
  drop(data: DataTransfer, prefix?: string): void;
  rename(row: IRow, name: string): void;
  canMove(what: IDragged, target: ILocation): boolean;
  /** Asks where much is moved. */
  moveRows(what: IDragged, target: ILocation, copies: boolean): void;
  newFolder(): void;
  newBucket(name: string): void;
  remove(rows: readonly IRow[]): void;
  copyUri(rows: readonly IRow[]): void;
  /** To the clipboard. */
  copyText(text: string): void;
  downloadUrl(row: IRow): string;
  importModel(): void;
  settings(): void;
  refresh(): void;
  pauseTransfer(id: string): void;
  /** Asks for the token where one is needed. */
  resumeTransfer(transfer: Transfer): void;
  retryTransfer(id: string): void;
  cancelTransfer(id: string): void;
  removeTransfer(id: string): void;
  listTransferFiles(
    id: string,
    window: { state: FileState; offset: number; limit: number; signal: AbortSignal }
  ): Promise<TransferFiles>;
  /** Go on with an interrupted upload: its file has to be chosen again. */
  chooseAgain(upload: Upload): void;
  /** Asks, then drops what has arrived of an interrupted upload. */
  discardUpload(upload: Upload): void;
}
