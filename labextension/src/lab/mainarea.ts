import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Widget } from '@lumino/widgets';

/**
 * Add a widget as a tab of the main area; in Notebook 7, whose main area holds only the notebook, as a panel beside it.
 */
export function addToMainArea(app: JupyterFrontEnd, widget: Widget, type: string): void {
  const { shell } = app;
  shell.add(widget, 'main', { type });
  if (!widget.parent) {
    shell.add(widget, 'right', { type });
    bringToFront(app, widget);
  }
}

/** Activate a widget. Notebook 7.4 would close one that is already visible. */
export function bringToFront({ shell }: JupyterFrontEnd, widget: Widget): void {
  if (widget.isVisible) {
    widget.activate();
  } else {
    shell.activateById(widget.id);
  }
}
