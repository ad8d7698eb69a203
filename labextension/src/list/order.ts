import type { Row } from './rows';

export type Column = 'name' | 'size' | 'modified';

/** By which column a list is sorted. */
export interface IOrder {
  column: Column;
  descending: boolean;
}

/** The store's own order, in which its pages come: that of the keys' bytes. */
export const BY_NAME: IOrder = { column: 'name', descending: false };

/** Folders stay first whatever the order; rows that are equal stay as the store has them. */
export function compareRows(a: Row, b: Row, { column, descending }: IOrder): number {
  if (a.kind !== b.kind) {
    return a.kind === 'folder' ? -1 : 1;
  }
  if (column === 'name') {
    return descending ? b.position - a.position : a.position - b.position;
  }
  // A folder has neither size nor time.
  const difference =
    column === 'size' ? (a.size ?? 0) - (b.size ?? 0) : (a.time ?? 0) - (b.time ?? 0);
  return (descending ? -difference : difference) || a.position - b.position;
}

/** What a click on the header of a column makes of an order: a size or a time is first wanted from its large end. */
export function nextOrder({ column, descending }: IOrder, clicked: Column): IOrder {
  return clicked === column
    ? { column, descending: !descending }
    : { column: clicked, descending: clicked !== 'name' };
}
