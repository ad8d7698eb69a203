import { s3Uri } from '../api/keys';
import { pythonString } from '../python';
import type { IRow } from './rows';

/** What tells a drag of rows from any other; its data cannot be read before the drop. */
export const ROWS_MIME = 'application/x-odhtec-rows';

/** Rows on their way to somewhere. */
export interface IDragged {
  bucket: string;
  rows: readonly IRow[];
}

let dragged: IDragged | null = null;

/** Into a cell or a text goes a Python literal of the URIs, elsewhere the URIs themselves. */
export function beginDrag(event: DragEvent, what: IDragged): void {
  const uris = what.rows.map(({ key }) => s3Uri(what.bucket, key));
  const data = event.dataTransfer!;
  data.setData(ROWS_MIME, '');
  data.setData('text/uri-list', uris.map(uri => encodeURI(uri)).join('\r\n'));
  data.setData('text/plain', asLiteral(uris));
  data.effectAllowed = 'copyMove';
  dragged = what;
}

export function endDrag(): void {
  dragged = null;
}

/** The rows of a drag that began in this page. */
export function draggedRows(data: DataTransfer | null): IDragged | null {
  return data?.types.includes(ROWS_MIME) ? dragged : null;
}

/** One string, or a list of them. */
export function asLiteral(uris: readonly string[]): string {
  const literals = uris.map(pythonString);
  return literals.length === 1 ? literals[0] : `[${literals.join(', ')}]`;
}
