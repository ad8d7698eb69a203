import { isLocation, type ILocation } from './storage';

/** How many are remembered. */
const MAX_LOCATIONS = 8;

/** Where one has been, the last place first. */
export class RecentLocations {
  get locations(): readonly ILocation[] {
    return this._locations;
  }

  add(location: ILocation): void {
    this._locations = [location, ...this._without(location)].slice(0, MAX_LOCATIONS);
  }

  /** What was kept from another day, in whatever file, comes after what was opened since. */
  restore(kept: unknown): void {
    for (const location of Array.isArray(kept)
      ? kept.slice(0, MAX_LOCATIONS).filter(isLocation)
      : []) {
      if (this._without(location).length === this._locations.length) {
        this._locations = [...this._locations, location].slice(0, MAX_LOCATIONS);
      }
    }
  }

  private _without({ bucket, prefix }: ILocation): readonly ILocation[] {
    return this._locations.filter(
      location => location.bucket !== bucket || location.prefix !== prefix
    );
  }

  private _locations: readonly ILocation[] = [];
}
