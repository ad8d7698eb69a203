export type Column = 'name' | 'size' | 'modified';

/** By which column a list is sorted. */
export interface IOrder {
  column: Column;
  descending: boolean;
}

/** The store's own order, in which its pages come: that of the keys' bytes. */
export const BY_NAME: IOrder = { column: 'name', descending: false };

/** What a click on the header of a column makes of an order: a size or a time is first wanted from its large end. */
export function nextOrder({ column, descending }: IOrder, clicked: Column): IOrder {
  return clicked === column
    ? { column, descending: !descending }
    : { column: clicked, descending: clicked !== 'name' };
}
