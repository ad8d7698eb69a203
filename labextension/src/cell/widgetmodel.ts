import { DOMWidgetModel } from '@jupyter-widgets/base';
import { JSONExt, UUID, type PartialJSONValue } from '@lumino/coreutils';

import type { IBrowserInstance } from '../lab/browsers/browserinstance';
import type { BrowserRegistry } from '../lab/browsers/browserregistry';
import { WIDGET_MODULE } from '../tokens';
import { version } from '../version';
import type { CellBrowsers } from './cellbrowsers';
import { WidgetLink, type ITraits } from './widgetlink';

/** The model of a cell's browser. All outputs that show it share one browser, created with the first of them. */
export abstract class S3BrowserModel extends DOMWidgetModel {
  protected abstract get browsers(): BrowserRegistry;
  protected abstract get cellBrowsers(): CellBrowsers;

  override defaults(): Record<string, unknown> {
    return {
      ...super.defaults(),
      _model_module: WIDGET_MODULE,
      _model_module_version: version,
      _model_name: 'S3BrowserModel',
      _view_module: WIDGET_MODULE,
      _view_module_version: version,
      _view_name: 'S3BrowserView',
      bucket: '',
      prefix: '',
      selected: [],
      value: null,
      filter: '',
      multiple: true,
      connection: 'default',
      height: '400px'
    };
  }

  override initialize(...args: Parameters<DOMWidgetModel['initialize']>): void {
    super.initialize(...args);
    this.on('change', () => void this._link?.applyTraits());
    this.cellBrowsers.add(this);
  }

  /** Create a panel for another output. */
  openPanel(): IBrowserInstance {
    const instance = this.browsers.create({
      id: `odhtec-cell-${UUID.uuid4()}`,
      location: null,
      isCell: true,
      sharedWith: this._instance,
      onFirstShown: () => void link.start()
    });
    const link = (this._link ??= new WidgetLink({
      model: instance.model,
      traits: () => this.attributes as ITraits,
      set: shown => this._show(shown)
    }));
    this._instance = instance;
    this._panels += 1;
    instance.panel.disposed.connect(() => {
      this._panels -= 1;
      if (!this._panels) {
        link.dispose();
        this._link = this._instance = null;
      }
    });
    return instance;
  }

  private _show(shown: Omit<Partial<ITraits>, 'multiple'>): void {
    const { selected } = shown;
    const all: Record<string, unknown> = { ...shown };
    if (selected) {
      all.value = selected.length === 1 ? selected[0] : null;
    }
    const news = Object.entries(all).filter(
      ([name, value]) =>
        value !== this.get(name) &&
        !JSONExt.deepEqual(value as PartialJSONValue, this.get(name) as PartialJSONValue)
    );
    if (news.length) {
      this.set(Object.fromEntries(news));
      this.save_changes();
    }
  }

  // Not set here: Backbone's constructor calls initialize() before fields are.
  declare private _link: WidgetLink | null | undefined;
  declare private _instance: IBrowserInstance | null | undefined;
  private _panels = 0;
}
