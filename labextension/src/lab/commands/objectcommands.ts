import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon, duplicateIcon, infoIcon, linkIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import type { BrowserModel } from '../../list/browser';
import { BUCKET_CLASS, CommandIDs, ROW_CLASS } from '../../tokens';
import type { LabActions } from '../actions/labactions';

/** Where the entries stand in the menu of a row; Lab's own entries begin at 0. */
const RANKS: readonly [string, number][] = [
  [CommandIDs.download, 30],
  [CommandIDs.copyTo, 40],
  [CommandIDs.moveTo, 41],
  [CommandIDs.copyUri, 50],
  [CommandIDs.share, 51],
  [CommandIDs.remove, 60],
  [CommandIDs.properties, 70]
];

/** The commands about objects and buckets, for the browser that is `current` when they are used. */
export function objectCommands(
  current: () => { model: BrowserModel; actions: LabActions },
  trans: TranslationBundle
): Record<string, CommandRegistry.ICommandOptions> {
  const hasBucket = () => current().model.bucket !== null;
  const selected = () => current().model.selectedRows;
  const objects = () => current().actions.objects;
  const hasSelection = () => selected().length > 0;
  return {
    [CommandIDs.copyTo]: {
      label: trans.__('Copy to…'),
      icon: duplicateIcon,
      isEnabled: hasSelection,
      execute: () => objects().copyTo('copy', selected())
    },
    [CommandIDs.moveTo]: {
      label: trans.__('Move to…'),
      isEnabled: hasSelection,
      execute: () => objects().copyTo('move', selected())
    },
    [CommandIDs.share]: {
      label: trans.__('Share a Link…'),
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
      execute: () => current().actions.newBucket('')
    },
    [CommandIDs.deleteBucket]: {
      label: trans.__('Delete Bucket…'),
      icon: deleteIcon,
      isEnabled: hasBucket,
      execute: () => objects().deleteBucket()
    },
    [CommandIDs.unfinishedUploads]: {
      label: trans.__('Unfinished Uploads…'),
      isEnabled: hasBucket,
      execute: () => objects().unfinishedUploads()
    }
  };
}

/** The same in the menus of a row and of the bucket's box. */
export function addObjectMenus({ contextMenu }: JupyterFrontEnd): void {
  const row = `.${ROW_CLASS}`;
  RANKS.forEach(([command, rank]) => contextMenu.addItem({ command, selector: row, rank }));
  [39, 49, 59, 69].forEach(rank => contextMenu.addItem({ type: 'separator', selector: row, rank }));
  const bucket = `.${BUCKET_CLASS}`;
  [CommandIDs.newBucket, CommandIDs.unfinishedUploads, CommandIDs.deleteBucket].forEach(
    (command, rank) => contextMenu.addItem({ command, selector: bucket, rank })
  );
}
