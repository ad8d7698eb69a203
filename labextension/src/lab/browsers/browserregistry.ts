import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { OdhTecAPI } from '../../api/api';
import type { IObjectLocation } from '../../drive/documents';
import { BrowserModel } from '../../list/browser';
import { Edits } from '../../list/changes/edits';
import { Moves } from '../../list/changes/moves';
import type { ConnectionsModel } from '../../list/connections';
import type { IChange, ILocation, IRenamed } from '../../list/storage';
import type { UsageModel } from '../../list/usage';
import type { Transfer } from '../../tokens';
import type { TransfersModel } from '../../transfers/transfers';
import type { UnfinishedModel } from '../../uploads/unfinished';
import type { UploadsModel } from '../../uploads/uploads';
import { ConnectionActions } from '../actions/connectionactions';
import { LabActions } from '../actions/labactions';
import { ObjectActions } from '../actions/objectactions';
import { ConnectionDialogs } from '../dialogs/connectiondialogs';
import type { Dialogs } from '../dialogs/dialogs';
import { confirmMove } from '../dialogs/movedialog';
import { ObjectDialogs } from '../dialogs/objectdialogs';
import type { IBrowserInstance } from './browserinstance';
import { BrowserPanel } from './panel';

/** Creates all browsers of the page, knows the current one and notifies each of changes. */
export class BrowserRegistry {
  constructor(private readonly _options: BrowserRegistry.IOptions) {
    const { api, connections, uploads, trans } = _options;
    this._connectionActions = new ConnectionActions({
      server: api,
      connections,
      uploads,
      dialogs: new ConnectionDialogs({ trans, focus: () => this.show() }),
      onRemoved: name => this._connectionRemoved(name),
      trans
    });
  }

  /** The browser used last, on which commands act. */
  get current(): IBrowserInstance {
    return this._current!;
  }

  /** Emitted when another browser becomes current, or when the current one shows something else. */
  get currentChanged(): ISignal<this, void> {
    return this._currentChanged;
  }

  /** Whether the user can see one of them. */
  get isAnyVisible(): boolean {
    return [...this._all].some(({ panel }) => panel.isInView);
  }

  /** Create a browser. The first one is permanent; the model of any other is disposed with its last panel. */
  create(how: BrowserRegistry.IInstanceOptions): IBrowserInstance {
    const { model, actions } = how.sharedWith ?? this._createModel();
    const [first] = this._all;
    if (first && !how.sharedWith) {
      model.recent.restore(first.model.recent.locations);
    }
    const panel = this._createPanel(how, model, actions);
    const instance = { model, actions, panel };
    this._all.add(instance);
    this._current ??= instance;
    // Before the browser handles the event, because a context menu immediately needs the selection.
    for (const name of ['focusin', 'pointerdown', 'contextmenu']) {
      panel.node.addEventListener(name, () => this._setCurrent(instance), { capture: true });
    }
    const notify = () => instance === this._current && this._currentChanged.emit();
    model.stateChanged.connect(notify);
    panel.disposed.connect(() => {
      model.stateChanged.disconnect(notify);
      this._remove(instance);
    });
    return instance;
  }

  /** Bring the browser used last to the front. */
  show(): void {
    const { panel } = this.current;
    const main = mainAreaOf(panel);
    this._options.bringToFront(main ?? panel);
    if (main && panel.parent !== main) {
      // In a notebook, which first focuses a cell.
      panel.node.scrollIntoView({ block: 'nearest' });
      requestAnimationFrame(() => panel.activate());
    }
  }

  /** Refresh the lists that a finished transfer has changed. */
  transferEnded({ id, action, state, source, target }: Transfer): void {
    const renamed = this._renamed.get(id);
    this._renamed.delete(id);
    const locations = [locationOf(source), locationOf(target)].filter(
      location => location !== null
    );
    const completed = state === 'completed';
    const left = completed && ['move', 'delete'].includes(action) ? locationOf(source) : null;
    this._refresh(locations, bucket => ({
      gone: left?.bucket === bucket ? [left.prefix] : [],
      renamed: completed ? renamed : undefined
    }));
  }

  /** Refresh the lists that show this location after a change. */
  refreshIfShown(bucket: string, prefix: string): void {
    this._refresh([{ bucket, prefix }], () => ({}));
  }

  /** Show nothing any more of a connection that has been removed. */
  private _connectionRemoved(name: string): void {
    const { unfinished, usage } = this._options;
    usage.forgetConnection(name);
    for (const model of new Set([...this._all].map(instance => instance.model))) {
      void model.connectionRemoved(name);
    }
    void unfinished.refresh();
  }

  private _refresh(locations: readonly ILocation[], change: (bucket: string) => IChange): void {
    locations.forEach(({ bucket, prefix }) => this._options.usage.invalidate(bucket, prefix));
    for (const model of new Set([...this._all].map(instance => instance.model))) {
      if (locations.some(({ bucket, prefix }) => model.shows(bucket, prefix))) {
        void model.refreshInBackground(change(model.bucket!));
      }
    }
  }

  private _createModel(): Pick<IBrowserInstance, 'model' | 'actions'> {
    const { api, trans, dialogs, connections, uploads, transfers, unfinished, setting } =
      this._options;
    const model = new BrowserModel({ store: api, pageSize: () => setting('pageSize', 1000) });
    const edits = new Edits(api, model);
    const objects = new ObjectActions({
      api,
      model,
      connections,
      edits,
      transfers,
      dialogs: new ObjectDialogs({ trans, focus: () => this.show() }),
      messages: dialogs,
      trans,
      confirmDelete: () => setting('confirmDelete', true)
    });
    const actions = new LabActions({
      api,
      model,
      connections,
      connectionActions: this._connectionActions,
      edits,
      moves: this._createMoves(model),
      objects,
      uploads,
      transfers,
      unfinished,
      dialogs,
      trans,
      openFile: this._options.openFile,
      previewFile: this._options.previewFile,
      onConcurrency: this._options.onConcurrency
    });
    return { model, actions };
  }

  private _createPanel(
    { id, location, isCell, onFirstShown }: BrowserRegistry.IInstanceOptions,
    model: BrowserModel,
    actions: LabActions
  ): BrowserPanel {
    const { connections, usage, transfers, uploads, unfinished, trans } = this._options;
    return new BrowserPanel({
      id,
      location,
      isCell,
      model,
      connections,
      usage,
      transfers,
      uploads,
      unfinished,
      actions,
      trans,
      onFirstShown: () => {
        // Whichever browser is shown first: the sidebar may be closed.
        transfers.start();
        this._options.onFirstShown();
        onFirstShown();
      },
      onShown: () => void unfinished.refresh(),
      onContentsDropped: (paths, target) => this._options.onContentsDropped(actions, paths, target)
    });
  }

  private _createMoves(model: BrowserModel): Moves {
    const { api, transfers, trans, onTransferEnded } = this._options;
    return new Moves({
      server: api,
      model,
      transfers,
      confirmMove: (rows, target, copies) => confirmMove(rows, target, copies, trans),
      onRenaming: (id, renamed) => this._renamed.set(id, renamed),
      onEnded: onTransferEnded,
      trans
    });
  }

  private _setCurrent(instance: IBrowserInstance): void {
    if (instance !== this._current) {
      this._current = instance;
      this._currentChanged.emit();
    }
  }

  private _remove(instance: IBrowserInstance): void {
    this._all.delete(instance);
    const rest = [...this._all];
    const other = rest.find(({ model }) => model === instance.model);
    if (!other) {
      instance.model.dispose();
    }
    if (this._current === instance) {
      this._setCurrent(other ?? rest[0]);
    }
  }

  private readonly _connectionActions: ConnectionActions;
  private readonly _all = new Set<IBrowserInstance>();
  private readonly _currentChanged = new Signal<this, void>(this);
  private _current: IBrowserInstance | null = null;
  /** The renames that running transfers will make, by transfer ID. */
  private readonly _renamed = new Map<string, IRenamed>();
}

/** Return the tab that contains a panel, which may be a notebook; null in the sidebar. */
function mainAreaOf(panel: Widget): MainAreaWidget | null {
  let widget: Widget | null = panel;
  while (widget && !(widget instanceof MainAreaWidget)) {
    widget = widget.parent;
  }
  return widget;
}

/** Return the bucket and the key or prefix of an S3 URI; null for other URIs. */
function locationOf(uri: string): ILocation | null {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri);
  return match && { bucket: match[1], prefix: match[2] };
}

export namespace BrowserRegistry {
  export interface IOptions {
    api: OdhTecAPI;
    connections: ConnectionsModel;
    usage: UsageModel;
    transfers: TransfersModel;
    uploads: UploadsModel;
    unfinished: UnfinishedModel;
    dialogs: Dialogs;
    trans: TranslationBundle;
    /** Return a user setting, or the fallback until the settings are loaded. */
    setting: <T extends boolean | number>(name: string, fallback: T) => T;
    bringToFront: (widget: Widget) => void;
    /** Open an object in the editor or viewer that suits it. */
    openFile: (object: IObjectLocation, size?: number) => void;
    previewFile: (object: IObjectLocation) => void;
    onContentsDropped: (actions: LabActions, paths: readonly string[], target: ILocation) => void;
    onConcurrency: (files: number) => void;
    onTransferEnded: (transfer: Transfer) => void;
    /** Called each time a browser is shown for the first time. */
    onFirstShown: () => void;
  }

  export interface IInstanceOptions {
    id: string;
    /** The initial location; null to use the remembered or the default one. */
    location: ILocation | null;
    onFirstShown: () => void;
    /** Whether it is in the output of a cell. */
    isCell?: boolean;
    /** An instance whose browser the new panel shows as well. */
    sharedWith?: IBrowserInstance | null;
  }
}
