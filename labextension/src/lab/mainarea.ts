import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Widget } from '@lumino/widgets';

/** A tab of the main area; a panel beside it in Notebook 7, whose main area has room for the notebook alone. */
export function addToMainArea(app: JupyterFrontEnd, widget: Widget, type: string): void {
  const { shell } = app;
  shell.add(widget, 'main', { type });
  if (!widget.parent) {
    shell.add(widget, 'right', { type });
    bringToFront(app, widget);
  }
}

/** Notebook 7.4 would close what is in sight already. */
export function bringToFront({ shell }: JupyterFrontEnd, widget: Widget): void {
  if (widget.isVisible) {
    widget.activate();
  } else {
    shell.activateById(widget.id);
  }
}
