import { DOMWidgetView } from '@jupyter-widgets/base';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ContextMenu } from '@lumino/widgets';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { S3BrowserModel } from './widgetmodel';

const CELL_CLASS = 'odhtec-Output';
/** How a notebook marks that one types into an output of it, so that no key is a command for its cells. */
const TYPING_CLASS = 'jp-mod-readWrite';

/** One output that shows the browser of a cell. */
export abstract class S3BrowserView extends DOMWidgetView {
  protected abstract get trans(): TranslationBundle;
  protected abstract get contextMenu(): ContextMenu;

  override render(): void {
    super.render();
    const { el } = this;
    el.classList.add(CELL_CLASS);
    // Shortcuts of what is around it are not meant; our own lie further in.
    el.dataset.lmSuppressShortcuts = 'true';
    el.addEventListener('keydown', dispatchToDocument);
    el.addEventListener('contextmenu', event => {
      // Without the notebook's entries, which are about the cell.
      if (!event.shiftKey && this.contextMenu.open(event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
    this._note.addClass('odhtec-Output-note');
    this._note.node.setAttribute('role', 'status');
    const layout = new PanelLayout();
    this.luminoWidget.layout = layout;
    layout.addWidget(this._note);
    layout.addWidget((this.model as S3BrowserModel).openPanel().panel);
    this.listenTo(this.model, 'change:height', () => this._setHeight());
    this.listenTo(this.model, 'comm_live_update', () => this._updateNote());
    this._setHeight();
    this._updateNote();
  }

  private _setHeight(): void {
    this.el.style.setProperty('--odhtec-cell-height', this.model.get('height') as string);
  }

  /** The browser goes on without its kernel; only Python does not hear of it. */
  private _updateNote(): void {
    const { comm_live } = this.model;
    this._note.setHidden(comm_live);
    this._note.node.textContent = comm_live
      ? ''
      : this.trans.__('Disconnected from the kernel. Run the cell again to reconnect.');
  }

  private readonly _note = new Widget();
}

/**
 * While a key is pressed in a browser of a cell, its notebook takes it for a place where one types. Listen to this before
 * the document does: Notebook 7 looks for shortcuts on the way down.
 */
export function markNotebookAsTyping({ target }: KeyboardEvent): void {
  const cell = target instanceof Element ? target.closest(`.${CELL_CLASS}`) : null;
  // The notebook itself takes the mark away when the focus moves.
  cell?.closest('.jp-Notebook')?.classList.add(TYPING_CLASS);
}

/** Lab's own shortcuts, such as Save, are for everywhere; the document hears them as if nothing had the focus. */
function dispatchToDocument(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey || event.altKey) && !event.defaultPrevented) {
    const again = new KeyboardEvent(event.type, event);
    document.body.dispatchEvent(again);
    if (again.defaultPrevented) {
      event.preventDefault();
      // The notebook would take the focus back from what has just been opened.
      event.stopPropagation();
    }
  }
}
