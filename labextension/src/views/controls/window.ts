import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';

import { ScrollSpace } from './scrollspace';

export interface IWindow {
  /** Indices of the rows to render, in order. */
  indices: number[];
  onScroll: () => void;
  /** How many rows fit. */
  pageRows: number;
  /** The last row that is near the view. */
  last: number;
  /** Of the element that is scrolled. */
  height: number;
  /** Where a row stands in it. */
  topOf: (index: number) => number;
  /** What the scroll bar takes of the width. */
  gutter: number;
  /** Bring a row into view. */
  reveal: (index: number) => void;
  toTop: () => void;
}

/** Rows are drawn in steps of this many, so that most scroll events draw nothing. */
const ROWS_PER_STEP = 8;
/** Before the first measurement, and where there is no layout at all. */
const DEFAULT_HEIGHT_PX = 600;

/**
 * An element for each row that is drawn. A row that stays keeps its own, and with it the focus; the others are used for
 * the rows that come, which is much cheaper than new ones.
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

/** The rows of a fixed height that can be seen, and always the one with the focus, so that it is never lost. */
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
    // Its inside, whose width changes when a scroll bar comes.
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    if (node.firstElementChild) {
      observer.observe(node.firstElementChild);
    }
    measure();
    return () => observer.disconnect();
  }, [scroller]);
  // A list that became shorter or longer may have moved the scroll bar, or the place that it stands for.
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
