import { isLocation, type ILocation } from './storage';

/** The number of remembered locations. */
const MAX_LOCATIONS = 8;

/** The recent locations, latest first. */
export class RecentLocations {
  get locations(): readonly ILocation[] {
    return this._locations;
  }

  add(location: ILocation): void {
    this._locations = [location, ...this._without(location)].slice(0, MAX_LOCATIONS);
  }

  /** Add saved locations after those opened since. The saved value may come from any file. */
  restore(kept: unknown): void {
    for (const location of Array.isArray(kept)
      ? kept.slice(0, MAX_LOCATIONS).filter(isLocation)
      : []) {
      if (this._without(location).length === this._locations.length) {
        this._locations = [...this._locations, location].slice(0, MAX_LOCATIONS);
      }
    }
  }

  /** Remove locations that do not exist any more. */
  remove(isGone: (location: ILocation) => boolean): void {
    this._locations = this._locations.filter(location => !isGone(location));
  }

  private _without({ bucket, prefix }: ILocation): readonly ILocation[] {
    return this._locations.filter(
      location => location.bucket !== bucket || location.prefix !== prefix
    );
  }

  private _locations: readonly ILocation[] = [];
}
