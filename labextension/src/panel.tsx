import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import { bucketIcon } from './icons';
import { PANEL_ID } from './tokens';
import { Browser, type IBrowserProps } from './views/Browser';

/** The browser's home in the sidebar. Nothing is asked of the server before it is first seen. */
export class BrowserPanel extends ReactWidget {
  constructor(private readonly _options: BrowserPanel.IOptions) {
    super();
    this.id = PANEL_ID;
    this.addClass('odhtec-Panel');
    this.title.icon = bucketIcon;
    this.title.caption = _options.trans.__('Object storage');
    this.node.tabIndex = -1;
  }

  protected render(): JSX.Element {
    return <Browser {...this._options} />;
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._begin();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._begin();
  }

  /** Whoever opens the panel by a command has no pointer at hand: the arrows must work at once. */
  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    if (!this.node.contains(document.activeElement)) {
      const list = this.node.querySelector<HTMLElement>('[role=rowgroup]');
      (list?.querySelector<HTMLElement>('[tabindex="0"]') ?? list ?? this.node).focus();
    }
  }

  private _begin(): void {
    if (this.isVisible && !this._begun) {
      this._begun = true;
      this._options.onFirstShown();
    }
  }

  private _begun = false;
}

export namespace BrowserPanel {
  export interface IOptions extends IBrowserProps {
    onFirstShown: () => void;
  }
}
