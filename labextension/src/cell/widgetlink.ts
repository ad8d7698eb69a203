import type { IDisposable } from '@lumino/disposable';

import { parentPrefix, parseLocation, s3Uri } from '../api/keys';
import type { BrowserModel } from '../list/browser';
import type { ILocation } from '../list/storage';

/** The selection is sent to the kernel, and Jupyter accepts messages of up to 10 MiB. */
const MAX_SELECTED = 5000;

/** The traits of a widget that its browser follows. */
export interface ITraits {
  /** Empty for the default bucket. */
  bucket: string;
  prefix: string;
  filter: string;
  /** As `s3://` URIs. */
  selected: readonly string[];
  multiple: boolean;
}

/**
 * Keeps a browser and the traits of a widget in sync. The last change wins, on either side: traits are compared with
 * what is shown, so an echo changes nothing. A selection set in Python is kept until its folder has been read; an empty
 * list that is still being read does not reset it.
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

  /** Show what the traits say for the first time. */
  async start(): Promise<void> {
    if (!this._started) {
      this._started = true;
      const { bucket, prefix, selected } = this._options.traits();
      await this._navigate(folderOf(selected) ?? { bucket, prefix });
    }
  }

  /** Apply changed traits to the browser. */
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
      // The folder is being read; the selection is applied when that ends.
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
    // The list may show hits of a search instead of the folder.
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
      // The default bucket is not known yet.
      return;
    }
    if (location && (location.bucket !== bucket || location.prefix !== prefix)) {
      // The user has opened another folder in the meantime.
      this._pending = null;
    }
    set(
      this._pending
        ? { bucket, prefix }
        : { bucket, prefix, filter: model.filter, selected: this._selected }
    );
  }

  /** The same array while the selection stays the same: it may be long and is read often. */
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

  /** Keys in the bucket that is shown. */
  private _keysOf(uris: readonly string[]): readonly string[] {
    const { bucket } = this._options.model;
    return uris.flatMap(uri => {
      const location = parseLocation(uri, null);
      return location && location.bucket === bucket ? [location.path] : [];
    });
  }

  private _started = false;
  private _isDisposed = false;
  /** The change of the traits that the browser is applying. */
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

/** Return the folder of the first URI. */
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
    /** Called with what the browser shows now; the widget sends the changes to Python. */
    set: (shown: Omit<Partial<ITraits>, 'multiple'>) => void;
  }
}
