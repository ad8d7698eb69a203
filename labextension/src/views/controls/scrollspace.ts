/** Browsers limit the height of elements: Firefox to 17 million pixels, which 750,000 rows exceed. */
export const MAX_HEIGHT_PX = 8_000_000;

/** Near both ends, the scroll bar maps one to one to pixels, so that no row there is skipped. */
const EDGE_PX = 500_000;
/** A step of more than this many views is a jump of the scroll bar; smaller ones come from wheel, touch or keys. */
const JUMP_VIEWS = 4;
/** How far the scroll bar may drift before it is corrected. */
const MAX_DRIFT_PX = 100_000;

/**
 * Maps a list of any height to a scrolled element of limited height. Small steps move the list pixel by pixel; jumps
 * move it to where the scroll bar points. `shift` is the difference between a row's position in the element and in the
 * list.
 */
export class ScrollSpace {
  /** The position in the list at the top of the view. */
  get top(): number {
    return this._top;
  }

  /** The height of the scrolled element. */
  get height(): number {
    return Math.min(this._total, MAX_HEIGHT_PX);
  }

  get shift(): number {
    return this._scrolled - this._top;
  }

  get view(): number {
    return this._view;
  }

  /** Set the heights of the list and the view. Returns whether one has changed. */
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

  /** Handle a scroll event. Returns the correct position of the scroll bar. */
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

  /** Scroll to a position in the list. Returns the position of the scroll bar. */
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

  /** Pixels of the list for each pixel of the scroll bar, between the edges. */
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
    // Browsers round scroll positions to whole pixels.
    return Math.round(bar);
  }

  private _total = 0;
  private _view = 0;
  private _top = 0;
  private _scrolled = 0;
}
