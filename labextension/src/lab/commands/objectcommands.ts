import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon, duplicateIcon, infoIcon, linkIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import type { BrowserModel } from '../../list/browser';
import { BUCKET_CLASS, CommandIDs, ROW_CLASS } from '../../tokens';
import type { LabActions } from '../actions/labactions';
import { BUCKET_MENU_RANKS, ROW_MENU_RANKS, ROW_MENU_SEPARATOR_RANKS } from './ranks';

/** The commands in the menu of a row. */
const ROW_COMMANDS = [
  CommandIDs.download,
  CommandIDs.copyTo,
  CommandIDs.moveTo,
  CommandIDs.copyUri,
  CommandIDs.share,
  CommandIDs.remove,
  CommandIDs.properties
] as const;
const BUCKET_COMMANDS = [
  CommandIDs.newBucket,
  CommandIDs.unfinishedUploads,
  CommandIDs.deleteBucket
] as const;

/** Return the commands for objects and buckets. They act on the browser that is current when they run. */
export function objectCommands(
  current: () => { model: BrowserModel; actions: LabActions },
  isWritable: () => boolean,
  trans: TranslationBundle
): Record<string, CommandRegistry.ICommandOptions> {
  const hasBucket = () => current().model.bucket !== null;
  const selected = () => current().model.selectedRows;
  const objects = () => current().actions.objects;
  const hasSelection = () => selected().length > 0;
  return {
    [CommandIDs.copyTo]: {
      label: trans.__('Copy To…'),
      icon: duplicateIcon,
      isEnabled: hasSelection,
      execute: () => objects().copyTo('copy', selected())
    },
    [CommandIDs.moveTo]: {
      label: trans.__('Move To…'),
      isEnabled: () => hasSelection() && isWritable(),
      execute: () => objects().copyTo('move', selected())
    },
    [CommandIDs.share]: {
      label: trans.__('Share Link…'),
      icon: linkIcon,
      isEnabled: () => hasBucket() && selected().length <= 1,
      execute: () => objects().share(selected()[0])
    },
    [CommandIDs.properties]: {
      label: trans.__('Properties…'),
      icon: infoIcon,
      isEnabled: hasBucket,
      execute: () => objects().properties(selected())
    },
    [CommandIDs.newBucket]: {
      label: trans.__('New Bucket…'),
      isEnabled: isWritable,
      execute: () => current().actions.newBucket('')
    },
    [CommandIDs.deleteBucket]: {
      label: trans.__('Delete Bucket…'),
      icon: deleteIcon,
      isEnabled: () => hasBucket() && isWritable(),
      execute: () => objects().deleteBucket()
    },
    [CommandIDs.unfinishedUploads]: {
      label: trans.__('Incomplete Uploads…'),
      isEnabled: hasBucket,
      execute: () => objects().unfinishedUploads()
    }
  };
}

/** Add the commands to the menus of a row and of the bucket's box. */
export function addObjectMenus({ contextMenu }: JupyterFrontEnd): void {
  const row = `.${ROW_CLASS}`;
  ROW_COMMANDS.forEach(command =>
    contextMenu.addItem({ command, selector: row, rank: ROW_MENU_RANKS[command] })
  );
  ROW_MENU_SEPARATOR_RANKS.forEach(rank =>
    contextMenu.addItem({ type: 'separator', selector: row, rank })
  );
  const bucket = `.${BUCKET_CLASS}`;
  BUCKET_COMMANDS.forEach(command =>
    contextMenu.addItem({ command, selector: bucket, rank: BUCKET_MENU_RANKS[command] })
  );
}
