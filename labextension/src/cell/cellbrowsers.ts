import { Signal, type ISignal } from '@lumino/signaling';

import type { S3BrowserModel } from './widgetmodel';

/** The browsers that kernels have made in this page, by the ids that notebooks know them by. */
export class CellBrowsers {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  find(id: string): S3BrowserModel | null {
    return this._all.get(id) ?? null;
  }

  add(model: S3BrowserModel): void {
    this._all.set(model.model_id, model);
    model.once('destroy', () => {
      if (this._all.get(model.model_id) === model) {
        this._all.delete(model.model_id);
        this._changed.emit();
      }
    });
    this._changed.emit();
  }

  private readonly _all = new Map<string, S3BrowserModel>();
  private readonly _changed = new Signal<this, void>(this);
}
