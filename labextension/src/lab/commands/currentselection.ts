import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IObjectPlace } from '../../drive/documents';
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

interface IChosen extends IObjectPlace {
  /** Of a row. */
  kind?: IRow['kind'];
  size?: number;
}

/** What a command is told, else the one row that is selected in the browser that was used last; folders end in a slash. */
export function chosenPlace(
  sidebar: Pick<Sidebar, 'current'>,
  { bucket, key }: ReadonlyPartialJSONObject
): IChosen | null {
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
export function chosenFile(
  sidebar: Pick<Sidebar, 'current'>,
  args: ReadonlyPartialJSONObject
): IChosen | null {
  const place = chosenPlace(sidebar, args);
  return place?.kind === 'folder' ? null : place;
}

/** Tell the commands when another file, or none, is chosen. */
export function whenChoiceChanges(
  { currentChanged }: Pick<Sidebar, 'currentChanged'>,
  tell: () => void
): void {
  currentChanged.connect(tell);
}
