import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IObjectLocation } from '../../drive/documents';
import type { IRow } from '../../list/rows';
import type { Sidebar } from '../browsers/sidebar';

/** The arguments of a command that acts on one file. */
export const describedBy = {
  args: {
    type: 'object',
    properties: {
      bucket: {
        type: 'string',
        description: 'Bucket of the object; by default, of the selected one'
      },
      key: { type: 'string', description: 'Key of the object; by default, of the selected one' }
    }
  }
};

interface ISelected extends IObjectLocation {
  /** Set if it comes from a row. */
  kind?: IRow['kind'];
  size?: number;
}

/**
 * Return the location in the arguments of a command, else that of the single row selected in the browser used last.
 * Keys of folders end in a slash.
 */
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

/** Return the same if it is a file, otherwise null. */
export function selectedFile(
  sidebar: Pick<Sidebar, 'current'>,
  args: ReadonlyPartialJSONObject
): ISelected | null {
  const location = selectedLocation(sidebar, args);
  return location?.kind === 'folder' ? null : location;
}

/** Call `notify` when the selection changes. */
export function onSelectionChanged(
  { currentChanged }: Pick<Sidebar, 'currentChanged'>,
  notify: () => void
): void {
  currentChanged.connect(notify);
}
