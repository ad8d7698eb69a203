import type { IJupyterWidgetRegistry } from '@jupyter-widgets/base';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator } from '@jupyterlab/translation';

import { CellBrowsers } from '../cell/cellbrowsers';
import { CellOutput } from '../cell/celloutput';
import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import { CELL_RENDERER_RANK } from '../lab/commands/ranks';
import { CELL_MIME_TYPE, WIDGET_MODULE, WIDGET_PLUGIN_ID } from '../tokens';
import { loadTranslations } from '../translation';
import { version } from '../version';

export const widget: JupyterFrontEndPlugin<void> = {
  id: WIDGET_PLUGIN_ID,
  description: 'Shows the object storage browser in notebook cells.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, IRenderMimeRegistry],
  activate: async (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    rendermime: IRenderMimeRegistry | null
  ): Promise<void> => {
    const registry = await widgetRegistry(app);
    if (!registry) {
      return;
    }
    const trans = loadTranslations(translator);
    const cellBrowsers = new CellBrowsers();
    const { browsers } = sidebar;
    const { contextMenu } = app;
    registry.registerWidget({
      name: WIDGET_MODULE,
      version,
      exports: async () =>
        (await import('../cell/widgets')).widgetClasses({
          browsers,
          cellBrowsers,
          contextMenu,
          trans
        })
    });
    rendermime?.addFactory(
      {
        // Untrusted notebooks show the note as plain text.
        safe: false,
        mimeTypes: [CELL_MIME_TYPE],
        createRenderer: ({ mimeType }) => new CellOutput({ cellBrowsers, mimeType, trans })
      },
      CELL_RENDERER_RANK
    );
  }
};

/**
 * Return the widget registry, or null without ipywidgets. Import it lazily: without ipywidgets, a static import would
 * stop this extension from loading.
 */
async function widgetRegistry(app: JupyterFrontEnd): Promise<IJupyterWidgetRegistry | null> {
  try {
    const base = await import('@jupyter-widgets/base');
    return await app.resolveOptionalService(base.IJupyterWidgetRegistry);
  } catch {
    return null;
  }
}
