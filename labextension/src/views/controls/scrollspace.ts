/** No browser draws an element of any height: Firefox stops at 17 million pixels, which 750,000 rows have. */
export const MAX_HEIGHT_PX = 8_000_000;

/** At both ends the scroll bar stands for pixels as they are, so that no row near them is skipped. */
const EDGE_PX = 500_000;
/** A step larger than this many views is a jump of the scroll bar; smaller ones are by wheel, finger or key. */
const JUMP_VIEWS = 4;
/** How far the scroll bar may be from where it belongs before it is put there. */
const MAX_DRIFT_PX = 100_000;

/**
 * Where a list of any height stands, scrolled in an element of a height that browsers draw. Small steps move the list
 * pixel by pixel; jumps go to where the scroll bar points. `shift` is what a row's place in the list and its place in the
 * element differ by.
 */
export class ScrollSpace {
  /** What of the list is at the top of the view. */
  get top(): number {
    return this._top;
  }

  /** Of the element that is scrolled. */
  get height(): number {
    return Math.min(this._total, MAX_HEIGHT_PX);
  }

  get shift(): number {
    return this._scrolled - this._top;
  }

  get view(): number {
    return this._view;
  }

  /** The list or the view has another height; false when both are as they were. */
  resize(total: number, view: number): boolean {
    const changed = total !== this._total || view !== this._view;
    this._total = total;
    this._view = view;
    this._top = Math.min(this._top, this._lastTop);
    if (total <= MAX_HEIGHT_PX) {
      this._scrolled = this._top;
    }
    return changed;
  }

  /** The element was scrolled; returns where its scroll bar belongs. */
  scroll(to: number): number {
    const step = to - this._scrolled;
    this._scrolled = to;
    if (this._total <= MAX_HEIGHT_PX) {
      this._top = to;
      return to;
    }
    const jumped = Math.abs(step) > JUMP_VIEWS * this._view;
    this._top = Math.min(Math.max(jumped ? this._listAt(to) : this._top + step, 0), this._lastTop);
    const belongs = this._barAt(this._top);
    const drift = Math.abs(belongs - to);
    const atEdge = Math.min(this._top, this._lastTop - this._top, to, this._lastBar - to) < EDGE_PX;
    if (drift > MAX_DRIFT_PX || (atEdge && drift >= 1)) {
      this._scrolled = belongs;
    }
    return this._scrolled;
  }

  /** Go to a place in the list; returns where the scroll bar belongs. */
  goTo(top: number): number {
    this._top = Math.min(Math.max(top, 0), this._lastTop);
    this._scrolled = this._barAt(this._top);
    return this._scrolled;
  }

  private get _lastTop(): number {
    return Math.max(0, this._total - this._view);
  }

  private get _lastBar(): number {
    return Math.max(0, this.height - this._view);
  }

  /** How many pixels of the list one of the scroll bar stands for, between the edges. */
  private get _ratio(): number {
    return (this._lastTop - 2 * EDGE_PX) / (this._lastBar - 2 * EDGE_PX);
  }

  private _listAt(bar: number): number {
    if (bar <= EDGE_PX) {
      return bar;
    }
    const fromEnd = this._lastBar - bar;
    return fromEnd <= EDGE_PX ? this._lastTop - fromEnd : EDGE_PX + (bar - EDGE_PX) * this._ratio;
  }

  private _barAt(top: number): number {
    if (this._total <= MAX_HEIGHT_PX || top <= EDGE_PX) {
      return top;
    }
    const fromEnd = this._lastTop - top;
    const bar =
      fromEnd <= EDGE_PX ? this._lastBar - fromEnd : EDGE_PX + (top - EDGE_PX) / this._ratio;
    // A browser keeps whole pixels.
    return Math.round(bar);
  }

  private _total = 0;
  private _view = 0;
  private _top = 0;
  private _scrolled = 0;
}
