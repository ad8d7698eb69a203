import type { ExportMap } from '@jupyter-widgets/base';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ContextMenu } from '@lumino/widgets';

import type { BrowserRegistry } from '../lab/browsers/browserregistry';
import type { CellBrowsers } from './cellbrowsers';
import { S3BrowserModel } from './widgetmodel';
import { markNotebookAsTyping, S3BrowserView } from './widgetview';

export interface IWidgetParts {
  browsers: BrowserRegistry;
  cellBrowsers: CellBrowsers;
  contextMenu: ContextMenu;
  trans: TranslationBundle;
}

/**
 * Return the classes that a widget manager instantiates, with their dependencies. Loaded when a kernel creates the
 * first widget.
 */
export function widgetClasses({
  browsers,
  cellBrowsers,
  contextMenu,
  trans
}: IWidgetParts): ExportMap {
  class Model extends S3BrowserModel {
    protected get browsers(): BrowserRegistry {
      return browsers;
    }
    protected get cellBrowsers(): CellBrowsers {
      return cellBrowsers;
    }
  }
  class View extends S3BrowserView {
    protected get trans(): TranslationBundle {
      return trans;
    }
    protected get contextMenu(): ContextMenu {
      return contextMenu;
    }
  }
  window.addEventListener('keydown', markNotebookAsTyping, { capture: true });
  return { S3BrowserModel: Model, S3BrowserView: View };
}
