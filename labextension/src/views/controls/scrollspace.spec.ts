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

  it('has the height of the list while browsers can draw it', () => {
    space.resize(100_000 * ROW, VIEW);
    expect(space.height).toBe(100_000 * ROW);
    expect(space.scroll(12_345)).toBe(12_345);
    expect([space.top, space.shift]).toEqual([12_345, 0]);
  });

  it('is limited to the height that browsers can draw, and reaches both ends', () => {
    expect(space.height).toBe(MAX_HEIGHT_PX);
    space.scroll(MAX_HEIGHT_PX - VIEW);
    expect(space.top).toBe(TOTAL - VIEW);
    space.scroll(0);
    expect(space.top).toBe(0);
  });

  it('shows the position of the scroll bar after a jump', () => {
    space.scroll((MAX_HEIGHT_PX - VIEW) / 2);
    expect(space.top).toBeCloseTo((TOTAL - VIEW) / 2, -2);
  });

  it('scrolls by the wheel from one end to the other without skipping a row', () => {
    let bar = 0;
    let top = 0;
    let steps = 0;
    while (top < TOTAL - VIEW) {
      bar = space.scroll(Math.min(bar + 500, MAX_HEIGHT_PX - VIEW));
      // Setting the scroll bar emits a scroll event.
      space.scroll(bar);
      expect(space.top - top).toBeGreaterThan(0);
      expect(space.top - top).toBeLessThanOrEqual(501);
      top = space.top;
      steps += 1;
    }
    expect(steps).toBeGreaterThan(TOTAL / 502);
  });

  it('shows any row, and ignores the scroll event of its own change', () => {
    for (const row of [0, 10, 400_000, 999_000, 999_975]) {
      const bar = space.goTo(row * ROW);
      expect(space.scroll(bar)).toBe(bar);
      expect(space.top).toBe(row * ROW);
      // The row is at the top of the visible part.
      expect(row * ROW + space.shift).toBe(bar);
    }
  });

  it('keeps its position when rows are added', () => {
    space.goTo(300_000 * ROW);
    space.resize(TOTAL + 1000 * ROW, VIEW);
    expect(space.top).toBe(300_000 * ROW);
  });
});
