import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { ISidebar, Sidebar } from './lab/browsers/sidebar';
import { addCommands } from './lab/commands/commands';
import { addListCommands } from './lab/commands/listcommands';
import { SIDEBAR_RANK, STATUS_BAR_RANK } from './lab/commands/ranks';
import { bringToFront } from './lab/mainarea';
import { activeCount, createStatusItem } from './lab/transfers/status';
import { documents } from './plugins/documents';
import { files } from './plugins/files';
import { launcher } from './plugins/launcher';
import { notebook } from './plugins/notebook';
import { previews } from './plugins/previews';
import { running } from './plugins/running';
import { tabs } from './plugins/tabs';
import { widget } from './plugins/widget';
import { COMMANDS_PLUGIN_ID, PANEL_ID, PLUGIN_ID, STATUS_PLUGIN_ID } from './tokens';
import { loadTranslations } from './translation';

const panel: JupyterFrontEndPlugin<Sidebar> = {
  id: PLUGIN_ID,
  description: 'Adds the object storage panel to the left sidebar.',
  autoStart: true,
  provides: ISidebar,
  optional: [ITranslator, ILayoutRestorer, IStateDB, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    registry: ISettingRegistry | null
  ): Sidebar => {
    const sidebar = new Sidebar({
      serverSettings: app.serviceManager.serverSettings,
      trans: loadTranslations(translator),
      state,
      bringToFront: widget => bringToFront(app, widget)
    });
    app.shell.add(sidebar.panel, 'left', { rank: SIDEBAR_RANK, type: 'Object Storage' });
    restorer?.add(sidebar.panel, PANEL_ID);
    registry?.load(PLUGIN_ID).then(
      settings => {
        sidebar.settings = settings;
      },
      reason => console.warn(`The settings of ${PLUGIN_ID} could not be loaded.`, reason)
    );
    return sidebar;
  }
};

const commands: JupyterFrontEndPlugin<void> = {
  id: COMMANDS_PLUGIN_ID,
  description: 'Adds the object storage commands to the palette and the context menus.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = loadTranslations(translator);
    const category = trans.__('Object Storage');
    const ids = [...addCommands(app, sidebar, trans), ...addListCommands(app, sidebar, trans)];
    for (const command of ids) {
      palette?.addItem({ command, category });
    }
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: STATUS_PLUGIN_ID,
  description: 'Shows the active transfers in the status bar.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    statusBar: IStatusBar | null
  ): void => {
    if (!statusBar) {
      return;
    }
    const { transfers, uploads } = sidebar;
    // The status bar calls isActive when this is emitted.
    const activeStateChanged = new Signal<object, void>(transfers);
    const emit = () => activeStateChanged.emit();
    transfers.stateChanged.connect(emit);
    uploads.stateChanged.connect(emit);
    statusBar.registerStatusItem(STATUS_PLUGIN_ID, {
      item: createStatusItem({
        transfers,
        uploads,
        trans: loadTranslations(translator),
        onClick: () => bringToFront(app, sidebar.panel)
      }),
      align: 'left',
      rank: STATUS_BAR_RANK,
      isActive: () => activeCount({ transfers, uploads }) > 0,
      activeStateChanged
    });
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  panel,
  commands,
  status,
  tabs,
  files,
  documents,
  previews,
  launcher,
  running,
  notebook,
  widget
];
export default plugins;
