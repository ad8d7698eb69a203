import type { IDisposable } from '@lumino/disposable';

import { parentPrefix, parseLocation, s3Uri } from '../api/keys';
import type { BrowserModel } from '../list/browser';
import type { ILocation } from '../list/storage';

/** What is selected is sent to the kernel, and Jupyter takes messages of 10 MiB. */
const MAX_SELECTED = 5000;

/** What a widget says, as far as its browser moves with it. */
export interface ITraits {
  /** Empty is the default one. */
  bucket: string;
  prefix: string;
  filter: string;
  /** As `s3://` URIs. */
  selected: readonly string[];
  multiple: boolean;
}

/**
 * Keeps a browser and the traits of a widget in step. What was set last wins, on whichever side: the traits are compared
 * with what is shown, so an echo moves nothing. What Python has selected stands until the folder it is in has been read;
 * an empty list that is still on its way takes nothing back.
 */
export class WidgetLink implements IDisposable {
  constructor(private readonly _options: WidgetLink.IOptions) {
    _options.model.stateChanged.connect(this._report, this);
    this._limit();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._pending = null;
    this._options.model.stateChanged.disconnect(this._report, this);
  }

  /** Show for the first time what the traits say. */
  async start(): Promise<void> {
    if (!this._started) {
      this._started = true;
      const { bucket, prefix, selected } = this._options.traits();
      await this._navigate(folderOf(selected) ?? { bucket, prefix });
    }
  }

  /** The traits have changed. */
  async applyTraits(): Promise<void> {
    const { model, traits } = this._options;
    const { bucket, prefix, filter, selected } = traits();
    if (!this._started || this._isDisposed) {
      return;
    }
    this._limit();
    const target = this._pending?.location ?? { bucket: model.bucket ?? '', prefix: model.prefix };
    if (bucket !== target.bucket || prefix !== target.prefix) {
      await this._navigate({ bucket, prefix });
      return;
    }
    if (filter !== model.filter) {
      model.setFilter(filter);
    }
    if (sameMembers(selected, this._pending?.selected ?? this._selected)) {
      return;
    }
    const folder = folderOf(selected) ?? target;
    if (this._pending && folder.bucket === target.bucket && folder.prefix === target.prefix) {
      // It is being read, and what is in it is selected then.
      this._pending.selected = selected;
    } else {
      await this._navigate(this._areShown(selected) ? target : folder);
    }
  }

  private async _navigate(location: ILocation): Promise<void> {
    const { model, traits } = this._options;
    const navigation: IPendingNavigation = { location, selected: traits().selected };
    this._pending = navigation;
    const isElsewhere = location.bucket !== model.bucket || location.prefix !== model.prefix;
    // A search's hits may be shown in the place of the folder.
    if (isElsewhere || (model.search && !this._areShown(navigation.selected))) {
      await this._open(location);
    }
    if (navigation !== this._pending) {
      return;
    }
    navigation.location = { bucket: model.bucket ?? '', prefix: model.prefix };
    if (traits().filter !== model.filter) {
      model.setFilter(traits().filter);
    }
    let chosen: readonly string[];
    do {
      chosen = navigation.selected;
      await model.selectKeys(this._keysOf(chosen));
    } while (navigation === this._pending && navigation.selected !== chosen);
    if (navigation === this._pending) {
      this._pending = null;
      this._report();
    }
  }

  private async _open(location: ILocation): Promise<void> {
    const { model, traits } = this._options;
    if (!location.bucket) {
      await model.start(location);
      return;
    }
    const opened =
      model.bucket === null
        ? model.startAt(location)
        : model.open(location.bucket, location.prefix);
    model.setFilter(traits().filter);
    await opened;
  }

  private _report(): void {
    const { model, set } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null || !this._started) {
      return;
    }
    const location = this._pending?.location;
    if (location?.bucket === '') {
      // Which one that is, is being asked.
      return;
    }
    if (location && (location.bucket !== bucket || location.prefix !== prefix)) {
      // The user has gone on meanwhile.
      this._pending = null;
    }
    set(
      this._pending
        ? { bucket, prefix }
        : { bucket, prefix, filter: model.filter, selected: this._selected }
    );
  }

  /** The same array as long as the same is selected: there may be many, and they are asked for often. */
  private get _selected(): readonly string[] {
    const { model } = this._options;
    const { bucket } = model;
    const { keys } = model.selection;
    const known = this._known;
    if (known.keys !== keys || known.count !== keys.size || known.bucket !== bucket) {
      const uris = model.selectedRows.map(({ key }) => s3Uri(bucket!, key));
      this._known = { keys, count: keys.size, bucket, uris };
    }
    return this._known.uris;
  }

  private _limit(): void {
    const { model, traits } = this._options;
    model.setSelectionLimit(traits().multiple ? MAX_SELECTED : 1);
  }

  private _areShown(uris: readonly string[]): boolean {
    return this._keysOf(uris).every(key => this._options.model.list.has(key));
  }

  /** Of the bucket that is shown. */
  private _keysOf(uris: readonly string[]): readonly string[] {
    const { bucket } = this._options.model;
    return uris.flatMap(uri => {
      const location = parseLocation(uri, null);
      return location && location.bucket === bucket ? [location.path] : [];
    });
  }

  private _started = false;
  private _isDisposed = false;
  /** What the browser is on its way to, because the traits say so. */
  private _pending: IPendingNavigation | null = null;
  private _known: {
    keys: ReadonlySet<string>;
    count: number;
    bucket: string | null;
    uris: readonly string[];
  } = { keys: new Set(), count: 0, bucket: null, uris: [] };
}

interface IPendingNavigation {
  location: ILocation;
  selected: readonly string[];
}

/** The folder that the first of them is in. */
function folderOf([uri]: readonly string[]): ILocation | null {
  const location = uri ? parseLocation(uri, null) : null;
  return location && { bucket: location.bucket, prefix: parentPrefix(location.path) };
}

function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  const all = new Set(others);
  return some.length === others.length && some.every(one => all.has(one));
}

export namespace WidgetLink {
  export interface IOptions {
    model: BrowserModel;
    traits: () => ITraits;
    /** What the browser shows now; the widget tells Python what of it is new. */
    set: (shown: Omit<Partial<ITraits>, 'multiple'>) => void;
  }
}
