import { beforeEach, describe, expect, it } from 'vitest';

import { MAX_HEIGHT_PX, ScrollSpace } from './scrollspace';

const ROW = 24;
const VIEW = 600;
const TOTAL = 1_000_000 * ROW;

describe('ScrollSpace', () => {
  let space: ScrollSpace;

  beforeEach(() => {
    space = new ScrollSpace();
    space.resize(TOTAL, VIEW);
  });

  it('is the list itself while browsers can draw it', () => {
    space.resize(100_000 * ROW, VIEW);
    expect(space.height).toBe(100_000 * ROW);
    expect(space.scroll(12_345)).toBe(12_345);
    expect([space.top, space.shift]).toEqual([12_345, 0]);
  });

  it('is never higher than that, and reaches both ends', () => {
    expect(space.height).toBe(MAX_HEIGHT_PX);
    space.scroll(MAX_HEIGHT_PX - VIEW);
    expect(space.top).toBe(TOTAL - VIEW);
    space.scroll(0);
    expect(space.top).toBe(0);
  });

  it('goes to where the scroll bar points when it jumps', () => {
    space.scroll((MAX_HEIGHT_PX - VIEW) / 2);
    expect(space.top).toBeCloseTo((TOTAL - VIEW) / 2, -2);
  });

  it('moves by the wheel pixel by pixel, from one end to the other, and skips no row', () => {
    let bar = 0;
    let top = 0;
    let steps = 0;
    while (top < TOTAL - VIEW) {
      bar = space.scroll(Math.min(bar + 500, MAX_HEIGHT_PX - VIEW));
      // The scroll bar that is put elsewhere says so by an event.
      space.scroll(bar);
      expect(space.top - top).toBeGreaterThan(0);
      expect(space.top - top).toBeLessThanOrEqual(501);
      top = space.top;
      steps += 1;
    }
    expect(steps).toBeGreaterThan(TOTAL / 502);
  });

  it('shows any row, and stays there when its bar is scrolled to where it was put', () => {
    for (const row of [0, 10, 400_000, 999_000, 999_975]) {
      const bar = space.goTo(row * ROW);
      expect(space.scroll(bar)).toBe(bar);
      expect(space.top).toBe(row * ROW);
      // In the element the row is at the top of the view.
      expect(row * ROW + space.shift).toBe(bar);
    }
  });

  it('keeps its place when rows are added', () => {
    space.goTo(300_000 * ROW);
    space.resize(TOTAL + 1000 * ROW, VIEW);
    expect(space.top).toBe(300_000 * ROW);
  });
});
