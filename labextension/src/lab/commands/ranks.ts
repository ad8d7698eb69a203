/** Where our entries are in menus, bars and lists of JupyterLab: lower ranks come first. */

import { CommandIDs } from '../../tokens';

/** The menu of a row. Lab's own entries for all menus begin at 0. */
export const ROW_MENU_RANKS = {
  [CommandIDs.openInEditor]: -5,
  [CommandIDs.preview]: -4,
  [CommandIDs.viewInTab]: -3,
  [CommandIDs.insertCode]: -2,
  [CommandIDs.rename]: 10,
  [CommandIDs.countUsage]: 11,
  [CommandIDs.goToFolder]: 12,
  [CommandIDs.toWorkspace]: 20,
  [CommandIDs.download]: 30,
  [CommandIDs.copyTo]: 40,
  [CommandIDs.moveTo]: 41,
  [CommandIDs.copyUri]: 50,
  [CommandIDs.share]: 51,
  [CommandIDs.remove]: 60,
  [CommandIDs.properties]: 70
};

/** Lines between the groups of that menu. */
export const ROW_MENU_SEPARATOR_RANKS = [39, 49, 59, 69];

/** The menu of the box that shows the bucket. */
export const BUCKET_MENU_RANKS = {
  [CommandIDs.newBucket]: 0,
  [CommandIDs.unfinishedUploads]: 1,
  [CommandIDs.deleteBucket]: 2
};

/** The menu of the box that shows the connection, and after a line of the one that shows the bucket. */
export const CONNECTION_MENU_RANKS = {
  [CommandIDs.addConnection]: 20,
  [CommandIDs.testConnection]: 21,
  [CommandIDs.saveConnection]: 22,
  [CommandIDs.removeConnection]: 23
};

/** The menu of Lab's file browser. */
export const FILE_BROWSER_MENU_RANKS = { [CommandIDs.fromWorkspace]: 50 };

/** Among the sidebars on the left. */
export const SIDEBAR_RANK = 150;

/** On the left of the status bar. */
export const STATUS_BAR_RANK = 20;

/** In the category Other of the launcher. */
export const LAUNCHER_RANK = 10;

/** Among the renderers of a cell's output: before ipywidgets (-10), which shows no note when the kernel is gone. */
export const CELL_RENDERER_RANK = -20;
