import { isPlace, type IPlace } from './storage';

/** How many are remembered. */
const MAX_PLACES = 8;

/** Where one has been, the last place first. */
export class RecentPlaces {
  get places(): readonly IPlace[] {
    return this._places;
  }

  add(place: IPlace): void {
    this._places = [place, ...this._without(place)].slice(0, MAX_PLACES);
  }

  /** What was kept from another day, in whatever file, comes after what was opened since. */
  restore(kept: unknown): void {
    for (const place of Array.isArray(kept) ? kept.slice(0, MAX_PLACES).filter(isPlace) : []) {
      if (this._without(place).length === this._places.length) {
        this._places = [...this._places, place].slice(0, MAX_PLACES);
      }
    }
  }

  private _without({ bucket, prefix }: IPlace): readonly IPlace[] {
    return this._places.filter(place => place.bucket !== bucket || place.prefix !== prefix);
  }

  private _places: readonly IPlace[] = [];
}
