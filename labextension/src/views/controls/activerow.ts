import { useId, useRef, useState, type KeyboardEvent, type RefObject } from 'react';

import { useWindow } from './window';

/** Must agree with --odhtec-check-height. */
const ROW_HEIGHT_PX = 22;

export interface IActiveRow {
  index: number;
  move: (to: number) => void;
  /** Return the ID of the row's element. */
  idOf: (index: number) => string;
  scroller: RefObject<HTMLDivElement>;
  view: ReturnType<typeof useWindow>;
  /** Handles arrow, page, Home and End keys; the list adds others. */
  onKeyDown: (event: KeyboardEvent, others: Record<string, (() => void) | undefined>) => void;
}

/** The active row of a list that has the focus as a whole and draws only its visible rows. */
export function useActiveRow(count: number): IActiveRow {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [wish, setWish] = useState(0);
  const index = Math.min(wish, count - 1);
  const view = useWindow(scroller, count, ROW_HEIGHT_PX, index);

  const move = (to: number) => {
    const next = Math.max(0, Math.min(count - 1, to));
    setWish(next);
    view.reveal(next);
  };
  const moves: Record<string, () => void> = {
    ArrowDown: () => move(index + 1),
    ArrowUp: () => move(index - 1),
    PageDown: () => move(index + view.pageRows),
    PageUp: () => move(index - view.pageRows),
    Home: () => move(0),
    End: () => move(count - 1)
  };
  return {
    index,
    move,
    idOf: row => `${id}-${row}`,
    scroller,
    view,
    onKeyDown: (event, others) => {
      const step = others[event.key] ?? moves[event.key];
      if (step) {
        event.preventDefault();
        event.stopPropagation();
        step();
      }
    }
  };
}
