import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Render again whenever the signal is emitted. */
export function useSignal(signal: ISignal<object, void>): void {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = () => render();
    signal.connect(slot);
    // Changes between the first render and this effect were missed.
    render();
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}
