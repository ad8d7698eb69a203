import { DOMWidgetView } from '@jupyter-widgets/base';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ContextMenu } from '@lumino/widgets';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { S3BrowserModel } from './widgetmodel';

const CELL_CLASS = 'odhtec-Output';
/** The class with which a notebook marks that the user types in an output, so that keys are not commands for cells. */
const TYPING_CLASS = 'jp-mod-readWrite';

/** One output that shows the browser of a cell. */
export abstract class S3BrowserView extends DOMWidgetView {
  protected abstract get trans(): TranslationBundle;
  protected abstract get contextMenu(): ContextMenu;

  override render(): void {
    super.render();
    const { el } = this;
    el.classList.add(CELL_CLASS);
    // Suppress shortcuts of the surrounding widgets; our own are further inside.
    el.dataset.lmSuppressShortcuts = 'true';
    el.addEventListener('keydown', dispatchToDocument);
    el.addEventListener('contextmenu', event => {
      // Leave out the notebook's entries, which are about the cell.
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

  /** Without its kernel the browser still works, but Python is not notified of changes. */
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
 * Mark the notebook as being typed in while a key is pressed in the browser of a cell. Listen for this before the
 * document does, because Notebook 7 handles shortcuts in the capture phase.
 */
export function markNotebookAsTyping({ target }: KeyboardEvent): void {
  const cell = target instanceof Element ? target.closest(`.${CELL_CLASS}`) : null;
  // The notebook removes the mark itself when the focus moves.
  cell?.closest('.jp-Notebook')?.classList.add(TYPING_CLASS);
}

/** Lab's own shortcuts, such as Save, work everywhere: dispatch them on the document as if nothing had the focus. */
function dispatchToDocument(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey || event.altKey) && !event.defaultPrevented) {
    const again = new KeyboardEvent(event.type, event);
    document.body.dispatchEvent(again);
    if (again.defaultPrevented) {
      event.preventDefault();
      // Otherwise the notebook takes the focus back from what has just been opened.
      event.stopPropagation();
    }
  }
}
