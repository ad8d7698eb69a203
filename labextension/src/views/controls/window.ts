import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';

import { ScrollSpace } from './scrollspace';

export interface IWindow {
  /** Indices of the rows to render, in order. */
  indices: number[];
  onScroll: () => void;
  /** The number of rows that fit in the view. */
  pageRows: number;
  /** The last row in or near the view. */
  last: number;
  /** The height of the scrolled element. */
  height: number;
  /** Return the position of a row in it. */
  topOf: (index: number) => number;
  /** The width of the scroll bar. */
  gutter: number;
  /** Bring a row into view. */
  reveal: (index: number) => void;
  toTop: () => void;
}

/** Rows are drawn in steps of this size, so that most scroll events need no redraw. */
const ROWS_PER_STEP = 8;
/** Used before the first measurement, and without a layout. */
const DEFAULT_HEIGHT_PX = 600;

/**
 * Assign an element to each drawn row. A row that stays keeps its element, and with it the focus; others are reused for
 * new rows, which is much cheaper than creating them.
 */
export function useSlots(keys: readonly string[]): number[] {
  const slots = useRef(new Map<string, number>());
  const old = slots.current;
  const wanted = new Set(keys);
  const free = [...old].filter(([key]) => !wanted.has(key)).map(([, slot]) => slot);
  let unused = Math.max(-1, ...old.values()) + 1;
  slots.current = new Map(keys.map(key => [key, old.get(key) ?? free.shift() ?? unused++]));
  return [...slots.current.values()];
}

/** Compute the visible rows of a fixed height. The focused row is always included, so that the focus is not lost. */
export function useWindow(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  keep: number
): IWindow {
  const [space] = useState(() => new ScrollSpace());
  const [, draw] = useState('');
  const viewed = useRef(DEFAULT_HEIGHT_PX);
  const gutter = useRef(0);
  space.resize(count * rowHeight, viewed.current);

  const first = () =>
    Math.max(0, (Math.floor(space.top / rowHeight / ROWS_PER_STEP) - 1) * ROWS_PER_STEP);
  const end = () =>
    Math.min(
      count,
      (Math.ceil((space.top + space.view) / rowHeight / ROWS_PER_STEP) + 1) * ROWS_PER_STEP
    );
  const redraw = () => draw(`${first()} ${end()} ${space.shift} ${space.view}`);

  const put = (bar: number) => {
    const node = scroller.current;
    if (node && node.scrollTop !== bar) {
      node.scrollTop = bar;
    }
  };
  const onScroll = () => {
    put(space.scroll(scroller.current!.scrollTop));
    redraw();
  };

  useEffect(() => {
    const node = scroller.current!;
    const measure = () => {
      viewed.current = node.clientHeight || DEFAULT_HEIGHT_PX;
      gutter.current = node.offsetWidth - node.clientWidth;
      draw(`${viewed.current} ${gutter.current}`);
    };
    // Observe its content, whose width changes when a scroll bar appears.
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    if (node.firstElementChild) {
      observer.observe(node.firstElementChild);
    }
    measure();
    return () => observer.disconnect();
  }, [scroller]);
  // A change of the length may have moved the scroll bar, or the position it represents.
  useLayoutEffect(() => {
    const node = scroller.current!;
    const bar = space.goTo(space.top);
    if (Math.abs(node.scrollTop - bar) >= 1) {
      node.scrollTop = bar;
    }
    redraw();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only when the height changes
  }, [count]);

  const from = first();
  const to = end();
  const indices = Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
  if (keep >= 0 && keep < from) {
    indices.unshift(keep);
  } else if (keep >= to && keep < count) {
    indices.push(keep);
  }
  return {
    indices,
    onScroll,
    pageRows: Math.max(1, Math.floor(space.view / rowHeight) - 1),
    last: to - 1,
    height: space.height,
    gutter: gutter.current,
    topOf: index => index * rowHeight + space.shift,
    reveal: index => {
      const top = index * rowHeight;
      if (top < space.top) {
        put(space.goTo(top));
      } else if (top + rowHeight > space.top + space.view) {
        put(space.goTo(top + rowHeight - space.view));
      }
      redraw();
    },
    toTop: () => {
      put(space.goTo(0));
      redraw();
    }
  };
}
