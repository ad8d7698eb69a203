import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IObjectLocation } from '../../drive/documents';
import type { IRow } from '../../list/rows';
import type { Sidebar } from '../browsers/sidebar';

/** The arguments of a command that acts on one file. */
export const describedBy = {
  args: {
    type: 'object',
    properties: {
      bucket: { type: 'string', description: 'With a key: this object, not the selected one' },
      key: { type: 'string' }
    }
  }
};

interface ISelected extends IObjectLocation {
  /** Of a row. */
  kind?: IRow['kind'];
  size?: number;
}

/** What a command is told, else the one row that is selected in the browser that was used last; folders end in a slash. */
export function selectedLocation(
  sidebar: Pick<Sidebar, 'current'>,
  { bucket, key }: ReadonlyPartialJSONObject
): ISelected | null {
  if (typeof bucket === 'string' && typeof key === 'string') {
    return { bucket, key };
  }
  const { model } = sidebar.current;
  const [row, ...others] = model.selectedRows;
  return row && !others.length && model.bucket !== null
    ? { bucket: model.bucket, key: row.key, kind: row.kind, size: row.size }
    : null;
}

/** The same, where it is a file. */
export function selectedFile(
  sidebar: Pick<Sidebar, 'current'>,
  args: ReadonlyPartialJSONObject
): ISelected | null {
  const location = selectedLocation(sidebar, args);
  return location?.kind === 'folder' ? null : location;
}

/** Tell the commands when another file, or none, is chosen. */
export function onSelectionChanged(
  { currentChanged }: Pick<Sidebar, 'currentChanged'>,
  notify: () => void
): void {
  currentChanged.connect(notify);
}
