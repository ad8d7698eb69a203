import type { IRow } from './rows';

/** What a user can start from a view. The homes of the browser implement it with their own dialogs. */
export interface IBrowserActions {
  /** Open a folder, or show a file in another browser tab. */
  openRow(row: IRow): void;
  pickFiles(): void;
  pickFolder(): void;
  drop(data: DataTransfer): void;
  newFolder(): void;
  newBucket(name: string): void;
  remove(rows: readonly IRow[]): void;
  copyUri(rows: readonly IRow[]): void;
  downloadUrl(row: IRow): string;
  importModel(): void;
  settings(): void;
  refresh(): void;
  cancelTransfer(id: string): void;
  removeTransfer(id: string): void;
}
