import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import {
  IDefaultFileBrowser,
  IFileBrowserFactory,
  type FileBrowser
} from '@jupyterlab/filebrowser';
import { ITranslator } from '@jupyterlab/translation';

import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import { WorkspaceDrag } from '../lab/filebrowser/workspacedrag';
import { FILES_PLUGIN_ID } from '../tokens';
import { loadTranslations } from '../translation';

export const files: JupyterFrontEndPlugin<void> = {
  id: FILES_PLUGIN_ID,
  description:
    'Copies files between object storage and the file browser, by drag and drop or by command.',
  autoStart: true,
  requires: [ISidebar, IFileBrowserFactory],
  optional: [ITranslator, ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    factory: IFileBrowserFactory,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    standard: FileBrowser | null
  ): void => {
    const trans = loadTranslations(translator);
    const browser = () => factory.tracker.currentWidget ?? standard;
    const drag = new WorkspaceDrag({ app, sidebar, factory, browser, trans });
    for (const command of drag.addCommands()) {
      palette?.addItem({ command, category: trans.__('Object Storage') });
    }
  }
};
