import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  copyIcon,
  deleteIcon,
  downloadIcon,
  fileUploadIcon,
  newFolderIcon,
  refreshIcon,
  settingsIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../../tokens';
import { bucketIcon, folderUploadIcon, importIcon } from '../../views/icons';
import { readOnlyReason } from '../../views/readonly';
import type { Sidebar } from '../browsers/sidebar';
import { bringToFront } from '../mainarea';
import { addConnectionMenu, connectionCommands } from './connectioncommands';
import { addObjectMenus, objectCommands } from './objectcommands';

/** The commands take no arguments: they act on the browser used last and its selection. */
const describedBy = { args: { type: 'object', properties: {} } };

/** Add the commands, but not to the palette; returns their IDs in the order in which they are listed. */
export function addCommands(
  app: JupyterFrontEnd,
  sidebar: Sidebar,
  trans: TranslationBundle
): readonly string[] {
  const model = () => sidebar.current.model;
  const actions = () => sidebar.current.actions;
  const hasBucket = () => model().bucket !== null;
  const connections = () => sidebar.connections;
  const problem = () => readOnlyReason(model().connection, connections(), trans);
  const isWritable = () => problem() === null;
  const canWriteHere = () => hasBucket() && isWritable();
  const hasSelection = () => model().selectedRows.length > 0;
  const show = () => bringToFront(app, sidebar.panel);

  const all: Record<string, CommandRegistry.ICommandOptions> = {
    [CommandIDs.open]: {
      label: trans.__('Open Object Storage'),
      icon: bucketIcon,
      execute: async () => {
        // The closing palette returns the focus to its previous owner, so take the focus after that.
        await Promise.resolve();
        show();
      }
    },
    [CommandIDs.refresh]: {
      label: trans.__('Refresh Object Storage'),
      icon: refreshIcon,
      execute: () => actions().refresh()
    },
    [CommandIDs.upload]: {
      label: trans.__('Upload Files…'),
      icon: fileUploadIcon,
      caption: () => problem() ?? '',
      isEnabled: canWriteHere,
      execute: () => actions().pickFiles()
    },
    [CommandIDs.uploadFolder]: {
      label: trans.__('Upload Folder…'),
      icon: folderUploadIcon,
      caption: () => problem() ?? '',
      isEnabled: canWriteHere,
      execute: () => actions().pickFolder()
    },
    [CommandIDs.newFolder]: {
      label: trans.__('New Folder…'),
      icon: newFolderIcon,
      caption: () => problem() ?? '',
      isEnabled: canWriteHere,
      execute: () => actions().newFolder()
    },
    [CommandIDs.importModel]: {
      label: trans.__('Import from Hugging Face…'),
      icon: importIcon,
      caption: () => problem() ?? '',
      isEnabled: canWriteHere,
      execute: () => actions().importModel()
    },
    [CommandIDs.settings]: {
      label: trans.__('Connection Settings…'),
      icon: settingsIcon,
      execute: () => actions().settings()
    },
    [CommandIDs.download]: {
      label: trans.__('Download'),
      icon: downloadIcon,
      isEnabled: hasSelection,
      execute: () => actions().download(model().selectedRows)
    },
    [CommandIDs.copyUri]: {
      label: trans.__('Copy URI'),
      icon: copyIcon,
      isEnabled: hasSelection,
      execute: () => actions().copyUri(model().selectedRows)
    },
    [CommandIDs.remove]: {
      label: trans.__('Delete'),
      icon: deleteIcon,
      caption: () => problem() ?? '',
      isEnabled: () => hasSelection() && isWritable(),
      execute: () => actions().remove(model().selectedRows)
    },
    ...objectCommands(() => sidebar.current, isWritable, trans),
    ...connectionCommands(() => sidebar.current, connections(), trans)
  };
  for (const [id, options] of Object.entries(all)) {
    app.commands.addCommand(id, { describedBy, ...options });
  }

  addObjectMenus(app);
  addConnectionMenu(app);
  const ids = Object.keys(all);
  // By ID, because without one Lab checks all of its commands.
  const changed = () => ids.forEach(id => app.commands.notifyCommandChanged(id));
  sidebar.currentChanged.connect(changed);
  connections().stateChanged.connect(changed);
  return ids;
}
