import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { DEFAULT_CONNECTION } from '../../api/bucketaddress';
import type { BrowserModel } from '../../list/browser';
import type { ConnectionsModel } from '../../list/connections';
import { BUCKET_CLASS, CommandIDs, CONNECTION_CLASS } from '../../tokens';
import type { LabActions } from '../actions/labactions';
import { CONNECTION_MENU_RANKS } from './ranks';

const COMMANDS = [
  CommandIDs.addConnection,
  CommandIDs.testConnection,
  CommandIDs.saveConnection,
  CommandIDs.removeConnection
] as const;

/** Return the commands for the connection that is open in the browser used last. */
export function connectionCommands(
  current: () => { model: BrowserModel; actions: LabActions },
  connections: ConnectionsModel,
  trans: TranslationBundle
): Record<string, CommandRegistry.ICommandOptions> {
  const name = () => current().model.connection || DEFAULT_CONNECTION;
  const open = () => connections.find(name());
  return {
    [CommandIDs.addConnection]: {
      label: trans.__('Add Connection…'),
      icon: addIcon,
      execute: () => current().actions.addConnection()
    },
    [CommandIDs.testConnection]: {
      label: trans.__('Test Connection…'),
      execute: () => current().actions.testConnection(name())
    },
    [CommandIDs.saveConnection]: {
      label: trans.__('Save Connection as AWS Profile…'),
      isEnabled: () => (open()?.removable ?? false) && open()?.error === null,
      execute: () => current().actions.saveConnection(name())
    },
    [CommandIDs.removeConnection]: {
      label: trans.__('Remove Connection…'),
      isEnabled: () => open()?.removable ?? false,
      execute: () => current().actions.removeConnection(name())
    }
  };
}

/** Add the commands to the menus of the connection's and the bucket's box. */
export function addConnectionMenu({ contextMenu }: JupyterFrontEnd): void {
  for (const selector of [`.${CONNECTION_CLASS}`, `.${BUCKET_CLASS}`]) {
    COMMANDS.forEach(command =>
      contextMenu.addItem({ command, selector, rank: CONNECTION_MENU_RANKS[command] })
    );
  }
  contextMenu.addItem({ type: 'separator', selector: `.${BUCKET_CLASS}`, rank: 10 });
}
