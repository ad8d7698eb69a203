import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import type { ILocation } from '../../list/storage';
import { Browser, focusList, type IBrowserProps } from '../../views/browser/Browser';
import { folderAt } from '../../views/browser/dropping';
import { bucketIcon } from '../../views/icons';
import { ContentsDrop } from '../filebrowser/contentsdrop';

/** The panel of a browser. It sends no request before it is first shown. */
export class BrowserPanel extends ReactWidget {
  constructor(private readonly _options: BrowserPanel.IOptions) {
    super();
    this.id = _options.id;
    this.addClass('odhtec-Panel');
    this.title.icon = bucketIcon;
    this.title.caption = _options.trans.__('Object Storage');
    this.node.tabIndex = -1;
  }

  protected render(): JSX.Element {
    return <Browser {...this._options} />;
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._drop.listen(this.node);
    this._onVisible();
  }

  protected override onBeforeDetach(msg: Message): void {
    this._drop.unlisten(this.node);
    super.onBeforeDetach(msg);
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._onVisible();
  }

  /** A command may have opened the panel, so the keyboard must work without a click. */
  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    const then = this._then;
    this._then = null;
    if (then) {
      then();
      return;
    }
    if (!this.node.contains(document.activeElement)) {
      focusList(this.node);
    }
  }

  /** Whether some of it is in view: a notebook may have been scrolled. */
  get isInView(): boolean {
    const { top, bottom } = this.node.getBoundingClientRect();
    return this.isVisible && bottom > 0 && top < window.innerHeight;
  }

  /** Focus the search field. */
  focusSearch(): void {
    this.node.querySelector<HTMLElement>('input[type=search]')?.focus();
  }

  /** Focus the row that has the keyboard focus in the list. */
  focusRows(): void {
    focusList(this.node);
  }

  /**
   * Run this instead of the default focus when the panel is activated, because the palette moves the focus when it
   * closes.
   */
  whenActivated(then: () => void): void {
    this._then = then;
  }

  /** The current location, or the initial one before it is first shown. */
  get location(): ILocation | null {
    const { bucket, prefix } = this._options.model;
    return bucket === null ? this._options.location : { bucket, prefix };
  }

  private _folderAt(node: Element): { location: ILocation; folder: HTMLElement | null } | null {
    const { bucket, prefix } = this._options.model;
    const folder = folderAt(node);
    return bucket === null
      ? null
      : { location: { bucket, prefix: folder?.dataset.prefix ?? prefix }, folder };
  }

  private _onVisible(): void {
    if (!this.isVisible) {
      return;
    }
    if (!this._wasShown) {
      this._wasShown = true;
      this._options.onFirstShown();
    }
    this._options.onShown();
  }

  private readonly _drop = new ContentsDrop({
    target: node => this._folderAt(node),
    drop: (paths, location) => this._options.onContentsDropped(paths, location)
  });
  private _then: (() => void) | null = null;
  private _wasShown = false;
}

export namespace BrowserPanel {
  export interface IOptions extends IBrowserProps {
    id: string;
    /** The initial location; null to use the remembered or the default one. */
    location: ILocation | null;
    onFirstShown: () => void;
    /** Called with the paths of files dropped from Lab's file browser. */
    onContentsDropped: (paths: readonly string[], target: ILocation) => void;
    /** Called each time the panel is shown, including the first time. */
    onShown: () => void;
  }
}
