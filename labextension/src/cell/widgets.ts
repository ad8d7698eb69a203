import type { ExportMap } from '@jupyter-widgets/base';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ContextMenu } from '@lumino/widgets';

import type { Cells } from './cellbrowsers';
import type { Homes } from '../lab/browsers/browserregistry';
import { S3BrowserModel } from './widgetmodel';
import { keepFromNotebook, S3BrowserView } from './widgetview';

export interface IWidgetParts {
  homes: Homes;
  cells: Cells;
  contextMenu: ContextMenu;
  trans: TranslationBundle;
}

/** The classes that a widget manager makes by itself, with what they need; loaded when a kernel asks for the first. */
export function widgetClasses({ homes, cells, contextMenu, trans }: IWidgetParts): ExportMap {
  class Model extends S3BrowserModel {
    protected get homes(): Homes {
      return homes;
    }
    protected get cells(): Cells {
      return cells;
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
  window.addEventListener('keydown', keepFromNotebook, { capture: true });
  return { S3BrowserModel: Model, S3BrowserView: View };
}
