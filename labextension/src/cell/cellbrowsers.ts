import type { DOMWidgetModel } from '@jupyter-widgets/base';
import { Signal, type ISignal } from '@lumino/signaling';

/** The browsers that kernels have created in this page, by their widget model IDs. */
export class CellBrowsers {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  find(id: string): DOMWidgetModel | null {
    return this._all.get(id) ?? null;
  }

  add(model: DOMWidgetModel): void {
    this._all.set(model.model_id, model);
    model.once('destroy', () => {
      if (this._all.get(model.model_id) === model) {
        this._all.delete(model.model_id);
        this._changed.emit();
      }
    });
    this._changed.emit();
  }

  private readonly _all = new Map<string, DOMWidgetModel>();
  private readonly _changed = new Signal<this, void>(this);
}
