import type { DOMWidgetModel } from '@jupyter-widgets/base';
import type { IRenderMime } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';

import type { CellBrowsers } from './cellbrowsers';

/** The output of a cell that created a browser: the browser while its kernel is connected, otherwise a note. */
export class CellOutput extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _options: CellOutput.IOptions) {
    super();
    _options.cellBrowsers.changed.connect(this._update, this);
  }

  override dispose(): void {
    this._options.cellBrowsers.changed.disconnect(this._update, this);
    super.dispose();
  }

  async renderModel({ data }: IRenderMime.IMimeModel): Promise<void> {
    const { model_id: id } = (data[this._options.mimeType] ?? {}) as { model_id?: unknown };
    this._id = String(id);
    await this._update();
  }

  private async _update(): Promise<void> {
    const model = this._options.cellBrowsers.find(this._id);
    if (this._shown === model) {
      return;
    }
    this._shown = model;
    const widget = model ? await this._viewOf(model) : this._note();
    if (this.isDisposed || this._shown !== model) {
      widget.dispose();
      return;
    }
    [...this.widgets].forEach(old => old.dispose());
    this.addWidget(widget);
  }

  private async _viewOf(model: DOMWidgetModel): Promise<Widget> {
    return (await model.widget_manager.create_view(model)).luminoWidget;
  }

  private _note(): Widget {
    const { trans } = this._options;
    const widget = new Widget();
    widget.addClass('odhtec-Output-note');
    widget.node.textContent = trans.__('Run the cell again to browse object storage here.');
    return widget;
  }

  private _id = '';
  private _shown: DOMWidgetModel | null | undefined;
}

export namespace CellOutput {
  export interface IOptions {
    cellBrowsers: CellBrowsers;
    mimeType: string;
    trans: TranslationBundle;
  }
}
