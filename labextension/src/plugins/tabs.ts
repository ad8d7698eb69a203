import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator } from '@jupyterlab/translation';

import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import { addTabs } from '../lab/browsers/tabs';
import { TABS_PLUGIN_ID } from '../tokens';
import { loadTranslations } from '../translation';

export const tabs: JupyterFrontEndPlugin<void> = {
  id: TABS_PLUGIN_ID,
  description: 'Opens object storage in tabs of the main area.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = loadTranslations(translator);
    for (const command of addTabs(app, sidebar, restorer, trans)) {
      palette?.addItem({ command, category: trans.__('Object Storage') });
    }
  }
};
