import { s3Uri } from '../../api/keys';
import { pythonString } from '../../python';
import type { IRow } from '../rows';

/** The MIME type that marks a drag of rows; its data cannot be read before the drop. */
export const ROWS_MIME = 'application/x-odhtec-rows';

/** Rows that are being dragged. */
export interface IDragged {
  bucket: string;
  rows: readonly IRow[];
}

let dragged: IDragged | null = null;

/** Start dragging rows. Dropped in a cell or text, they become a Python literal; elsewhere, URIs. */
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

/** Return the rows of a drag that started in this page. */
export function draggedRows(data: DataTransfer | null): IDragged | null {
  return data?.types.includes(ROWS_MIME) ? dragged : null;
}

/** Return one string literal, or a list of them. */
export function asLiteral(uris: readonly string[]): string {
  const literals = uris.map(pythonString);
  return literals.length === 1 ? literals[0] : `[${literals.join(', ')}]`;
}
