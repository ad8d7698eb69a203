import { Dialog, type ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';

/** A dialog with a form that has its own buttons: the form closes it, not every Enter. */
export class FormDialog extends Dialog<void> {
  constructor(
    title: string,
    body: ReactWidget,
    options: { buttons?: readonly Dialog.IButton[]; focus?: string } = {}
  ) {
    super({
      title,
      body,
      buttons: options.buttons ?? [],
      hasClose: true,
      focusNodeSelector: options.focus ?? 'input'
    });
    this.addClass('odhtec-FormDialog');
  }

  override handleEvent(event: Event): void {
    const inForm = (event.target as Element).closest?.('.jp-Dialog-body') !== null;
    if (event.type === 'keydown' && (event as KeyboardEvent).key === 'Enter' && inForm) {
      // Lab would press the dialog's default button; leave Enter to the form.
      return;
    }
    super.handleEvent(event);
    if (event.type === 'focus') {
      // Lab moves the focus to its default button, and this dialog may have none.
      this._keepFocus();
    }
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    document.addEventListener('keydown', this._onStrayKey);
    this._changes.observe(this.node, { childList: true, subtree: true, characterData: true });
  }

  protected override onAfterDetach(msg: Message): void {
    document.removeEventListener('keydown', this._onStrayKey);
    this._changes.disconnect();
    super.onAfterDetach(msg);
  }

  private get _hasFocus(): boolean {
    return this.node.contains(document.activeElement);
  }

  /**
   * Focus a button if nothing in the dialog has the focus: its owner may be removed or disabled, or the palette has
   * closed.
   */
  private _keepFocus(): void {
    if (!this._hasFocus) {
      this.node.querySelector<HTMLElement>('.odhtec-Form-buttons button:enabled')?.focus();
    }
  }

  private readonly _onStrayKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && !this._hasFocus) {
      event.preventDefault();
      this.reject();
    }
  };

  private readonly _changes = new MutationObserver(() => this._keepFocus());
}
