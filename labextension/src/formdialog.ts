import { Dialog, type ReactWidget } from '@jupyterlab/apputils';

/** A dialog around a form that has its own buttons: it closes when the form says so, not at every Enter. */
export class FormDialog extends Dialog<void> {
  constructor(title: string, body: ReactWidget, buttons: readonly Dialog.IButton[] = []) {
    super({ title, body, buttons, hasClose: true, focusNodeSelector: 'input' });
    this.addClass('odhtec-FormDialog');
  }

  override handleEvent(event: Event): void {
    const inForm = (event.target as Element).closest?.('.jp-Dialog-body') !== null;
    if (event.type === 'keydown' && (event as KeyboardEvent).key === 'Enter' && inForm) {
      // Lab would press the dialog's default button; the form knows better what Enter means in it.
      return;
    }
    super.handleEvent(event);
  }
}
