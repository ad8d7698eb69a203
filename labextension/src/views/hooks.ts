import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer, useState, type RefObject } from 'react';

/** Render again whenever the signal is emitted. */
export function useSignal(signal: ISignal<object, void>): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = () => render();
    signal.connect(slot);
    // What changed between the first render and this effect was not heard.
    render();
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}

export interface IWindow {
  /** Indices of the rows to render, in order. */
  indices: number[];
  onScroll: () => void;
  /** How many rows fit. */
  pageRows: number;
  /** The last rendered row that can be seen. */
  lastVisible: number;
}

const OVERSCAN = 8;
/** Before the first measurement, and where there is no layout at all. */
const DEFAULT_HEIGHT = 600;

/** The rows of a fixed height that can be seen, and always the one with the focus, so that it is never lost. */
export function useWindow(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  keep: number
): IWindow {
  const [view, setView] = useState({ top: 0, height: DEFAULT_HEIGHT });
  const measure = () => {
    const node = scroller.current;
    if (node) {
      const next = { top: node.scrollTop, height: node.clientHeight || DEFAULT_HEIGHT };
      setView(old => (old.top === next.top && old.height === next.height ? old : next));
    }
  };
  useEffect(() => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    measure();
    return () => observer.disconnect();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- measure reads only refs and a setter
  }, []);
  // A list that became shorter leaves the scroll position behind its end until the next scroll event.
  const top = Math.min(view.top, Math.max(0, count * rowHeight - view.height));
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const lastVisible = Math.min(count, Math.ceil((top + view.height) / rowHeight)) - 1;
  const end = Math.min(count, lastVisible + 1 + OVERSCAN);
  const indices = Array.from({ length: Math.max(0, end - first) }, (_, offset) => first + offset);
  if (keep >= 0 && keep < first) {
    indices.unshift(keep);
  } else if (keep >= end && keep < count) {
    indices.push(keep);
  }
  return {
    indices,
    onScroll: measure,
    pageRows: Math.max(1, Math.floor(view.height / rowHeight) - 1),
    lastVisible
  };
}
