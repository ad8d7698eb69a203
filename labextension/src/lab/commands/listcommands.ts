import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { editIcon, folderIcon, searchIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { parentPrefix } from '../../api/keys';
import { CommandIDs, ROW_CLASS } from '../../tokens';
import { readOnlyReason } from '../../views/readonly';
import type { Sidebar } from '../browsers/sidebar';
import { ROW_MENU_RANKS } from './ranks';

/** The commands take no arguments: they act on the browser used last. */
const describedBy = { args: { type: 'object', properties: {} } };

/** Add the commands of the list; returns their IDs. */
export function addListCommands(
  app: JupyterFrontEnd,
  sidebar: Sidebar,
  trans: TranslationBundle
): readonly string[] {
  const { usage } = sidebar;
  const model = () => sidebar.current.model;
  const hasBucket = () => model().bucket !== null;
  const selected = () => model().selectedRows;
  const folders = () => selected().filter(({ kind }) => kind === 'folder');
  const isCounting = () =>
    folders().some(({ key }) => usage.get(model().bucket!, key)?.state === 'counting');

  const all: Record<string, CommandRegistry.ICommandOptions> = {
    [CommandIDs.rename]: {
      label: trans.__('Rename'),
      icon: editIcon,
      isEnabled: () =>
        selected().length === 1 &&
        readOnlyReason(model().connection, sidebar.connections, trans) === null,
      execute: () => sidebar.current.actions.startRenaming(selected()[0].key)
    },
    [CommandIDs.countUsage]: {
      label: () => (isCounting() ? trans.__('Stop Counting') : trans.__('Count Size of Folder')),
      isEnabled: () => folders().length > 0,
      execute: () => {
        if (isCounting()) {
          folders().forEach(({ key }) => usage.stop(model().bucket!, key));
        } else {
          folders().forEach(({ key }) => void usage.count(model().bucket!, key));
        }
      }
    },
    [CommandIDs.goToFolder]: {
      label: trans.__('Open Containing Folder'),
      icon: folderIcon,
      isEnabled: () => model().search !== null && selected().length === 1,
      isVisible: () => model().search !== null,
      execute: async () => {
        const [{ key }] = selected();
        await model().open(model().bucket!, parentPrefix(key), key);
        const { panel } = sidebar.current;
        // The closing palette returns the focus to its previous owner.
        panel.whenActivated(() => panel.focusRows());
        sidebar.show();
      }
    },
    [CommandIDs.search]: {
      label: trans.__('Search Object Storage'),
      icon: searchIcon,
      isEnabled: hasBucket,
      execute: async () => {
        await Promise.resolve();
        const { panel } = sidebar.current;
        panel.whenActivated(() => panel.focusSearch());
        sidebar.show();
      }
    },
    [CommandIDs.goToPath]: {
      label: trans.__('Go to Path in Object Storage…'),
      isEnabled: hasBucket,
      execute: async () => {
        await Promise.resolve();
        sidebar.current.panel.whenActivated(() => model().setEditingPath(true));
        sidebar.show();
      }
    },
    [CommandIDs.loadAll]: {
      label: trans.__('Load All Rows'),
      isEnabled: () => model().hasMore && model().search === null,
      execute: () => model().loadAll()
    }
  };
  for (const [id, options] of Object.entries(all)) {
    app.commands.addCommand(id, { describedBy, ...options });
  }
  for (const command of [
    CommandIDs.rename,
    CommandIDs.countUsage,
    CommandIDs.goToFolder
  ] as const) {
    const selector = `.${ROW_CLASS}`;
    app.contextMenu.addItem({ command, selector, rank: ROW_MENU_RANKS[command] });
  }
  const ids = Object.keys(all);
  const changed = () => ids.forEach(id => app.commands.notifyCommandChanged(id));
  sidebar.currentChanged.connect(changed);
  usage.stateChanged.connect(changed);
  return ids;
}
