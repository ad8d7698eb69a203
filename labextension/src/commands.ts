import type { JupyterFrontEnd } from '@jupyterlab/application';
import {
  copyIcon,
  deleteIcon,
  downloadIcon,
  fileUploadIcon,
  newFolderIcon,
  refreshIcon,
  settingsIcon
} from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { bucketIcon, folderUploadIcon, importIcon } from './icons';
import type { Sidebar } from './sidebar';
import { CommandIDs, ROW_CLASS } from './tokens';

/** No command takes arguments: they act on what the panel shows and has selected. */
const describedBy = { args: { type: 'object', properties: {} } };

/** The commands, without the palette; returns their ids in the order in which they are listed. */
export function addCommands(
  app: JupyterFrontEnd,
  sidebar: Sidebar,
  trans: TranslationBundle
): readonly string[] {
  const { model, actions, panel } = sidebar;
  const hasBucket = () => model.bucket !== null;
  const hasSelection = () => model.selectedRows.length > 0;
  const hasFiles = () => model.selectedRows.some(({ kind }) => kind === 'file');
  const show = () => app.shell.activateById(panel.id);

  const all: Record<string, CommandRegistry.ICommandOptions> = {
    [CommandIDs.open]: {
      label: trans.__('Open Object Storage'),
      icon: bucketIcon,
      execute: async () => {
        // The palette, closing, asks the focus back for what had it before: who asks after that has it.
        await Promise.resolve();
        show();
      }
    },
    [CommandIDs.refresh]: {
      label: trans.__('Refresh Object Storage'),
      icon: refreshIcon,
      execute: () => actions.refresh()
    },
    [CommandIDs.upload]: {
      label: trans.__('Upload Files…'),
      icon: fileUploadIcon,
      isEnabled: hasBucket,
      execute: () => actions.pickFiles()
    },
    [CommandIDs.uploadFolder]: {
      label: trans.__('Upload a Folder…'),
      icon: folderUploadIcon,
      isEnabled: hasBucket,
      execute: () => actions.pickFolder()
    },
    [CommandIDs.newFolder]: {
      label: trans.__('New Folder…'),
      icon: newFolderIcon,
      isEnabled: hasBucket,
      execute: () => actions.newFolder()
    },
    [CommandIDs.importModel]: {
      label: trans.__('Import from Hugging Face…'),
      icon: importIcon,
      isEnabled: hasBucket,
      execute: () => actions.importModel()
    },
    [CommandIDs.settings]: {
      label: trans.__('Connection Settings…'),
      icon: settingsIcon,
      execute: () => actions.settings()
    },
    [CommandIDs.download]: {
      label: trans.__('Download'),
      icon: downloadIcon,
      isEnabled: hasFiles,
      execute: () => actions.download(model.selectedRows)
    },
    [CommandIDs.copyUri]: {
      label: trans.__('Copy URI'),
      icon: copyIcon,
      isEnabled: hasSelection,
      execute: () => actions.copyUri(model.selectedRows)
    },
    [CommandIDs.remove]: {
      label: trans.__('Delete'),
      icon: deleteIcon,
      isEnabled: hasSelection,
      execute: () => actions.remove(model.selectedRows)
    }
  };
  for (const [id, options] of Object.entries(all)) {
    app.commands.addCommand(id, { describedBy, ...options });
  }

  [CommandIDs.download, CommandIDs.copyUri, CommandIDs.remove].forEach((command, rank) => {
    app.contextMenu.addItem({ command, selector: `.${ROW_CLASS}`, rank });
  });
  const ids = Object.keys(all);
  // By id: without one, Lab looks at all of its commands.
  model.stateChanged.connect(() => ids.forEach(id => app.commands.notifyCommandChanged(id)));
  return ids;
}
