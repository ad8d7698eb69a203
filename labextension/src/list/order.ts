export type Column = 'name' | 'size' | 'modified';

/** The column and direction in which a list is sorted. */
export interface IOrder {
  column: Column;
  descending: boolean;
}

/** The store's own order, by the bytes of the keys, in which pages arrive. */
export const BY_NAME: IOrder = { column: 'name', descending: false };

/** Return the order after a click on a column header. Sizes and times start with the largest. */
export function nextOrder({ column, descending }: IOrder, clicked: Column): IOrder {
  return clicked === column
    ? { column, descending: !descending }
    : { column: clicked, descending: clicked !== 'name' };
}
