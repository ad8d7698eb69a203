import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { FileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { draggedRows, endDrag } from '../../list/changes/dragging';
import type { IWorkspaceItem } from '../../list/changes/moves';
import type { ILocation } from '../../list/storage';
import { CommandIDs, ROW_CLASS } from '../../tokens';
import type { LabActions } from '../actions/labactions';
import type { Sidebar } from '../browsers/sidebar';
import { FILE_BROWSER_MENU_RANKS, ROW_MENU_RANKS } from '../commands/ranks';

/** The file browser's class for the folder below a drag. */
const TARGET_CLASS = 'jp-mod-dropTarget';
const ITEM_CLASS = 'jp-DirListing-item';

/** Copies between the list and Lab's file browser, by drag and drop or by command. */
export class WorkspaceDrag {
  constructor(private readonly _options: WorkspaceDrag.IOptions) {
    _options.sidebar.onContentsDropped = (actions, paths, target) =>
      void this._copyFromWorkspace(actions, paths, target);
    // In the capture phase, because the file browser handles any drop as files from the computer.
    for (const name of ['dragenter', 'dragover', 'drop'] as const) {
      document.addEventListener(name, this._onDrag, { capture: true });
    }
    document.addEventListener('dragend', () => this._mark(null), { capture: true });
  }

  /** Add the commands; returns their IDs. */
  addCommands(): readonly string[] {
    const { app, sidebar, browser, trans } = this._options;
    const describedBy = { args: { type: 'object', properties: {} } };
    app.commands.addCommand(CommandIDs.toWorkspace, {
      label: trans.__('Copy to File Browser'),
      describedBy,
      isEnabled: () => browser() !== null && sidebar.current.model.selectedRows.length > 0,
      execute: () => {
        const { model, actions } = sidebar.current;
        const what = { bucket: model.bucket!, rows: model.selectedRows };
        actions.copyToWorkspace(what, this._local(browser()!.model.path));
      }
    });
    app.commands.addCommand(CommandIDs.fromWorkspace, {
      label: trans.__('Copy to Object Storage'),
      describedBy,
      isEnabled: () =>
        sidebar.current.model.bucket !== null && !browser()?.selectedItems().next().done,
      execute: () => {
        const { model, actions } = sidebar.current;
        const items = [...(browser()?.selectedItems() ?? [])];
        const target = { bucket: model.bucket!, prefix: model.prefix };
        return this._copyFromWorkspace(
          actions,
          items.map(({ path }) => path),
          target
        );
      }
    });
    app.contextMenu.addItem({
      command: CommandIDs.toWorkspace,
      selector: `.${ROW_CLASS}`,
      rank: ROW_MENU_RANKS[CommandIDs.toWorkspace]
    });
    app.contextMenu.addItem({
      command: CommandIDs.fromWorkspace,
      selector: `.${ITEM_CLASS}[data-isdir]`,
      rank: FILE_BROWSER_MENU_RANKS[CommandIDs.fromWorkspace]
    });
    const ids = [CommandIDs.toWorkspace, CommandIDs.fromWorkspace];
    sidebar.currentChanged.connect(() => ids.forEach(id => app.commands.notifyCommandChanged(id)));
    return ids;
  }

  private readonly _onDrag = (event: DragEvent): void => {
    const dragged = draggedRows(event.dataTransfer);
    const node = (event.target as Element | null)?.closest?.('.jp-DirListing');
    const browser = node && this._options.factory.tracker.find(it => it.node.contains(node));
    if (!dragged || !browser) {
      this._mark(null);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer!.dropEffect = 'copy';
    const folder = folderBelow(event.target as Element);
    this._mark(folder);
    if (event.type === 'drop') {
      this._mark(null);
      endDrag();
      const path = this._local(browser.model.path);
      const name = folder?.querySelector('.jp-DirListing-itemText')?.textContent;
      const { actions } = this._options.sidebar.current;
      actions.copyToWorkspace(dragged, name ? [path, name].filter(Boolean).join('/') : path);
    }
  };

  private async _copyFromWorkspace(
    actions: LabActions,
    paths: readonly string[],
    target: ILocation
  ): Promise<void> {
    const { trans } = this._options;
    const { contents } = this._options.app.serviceManager;
    const items: IWorkspaceItem[] = [];
    for (const path of paths) {
      if (!isOfWorkspace(contents, path)) {
        Notification.error(
          trans.__('%1 is not on the Jupyter server, so it cannot be copied.', path),
          { autoClose: false }
        );
        return;
      }
      const { type } = await contents.get(path, { content: false });
      items.push({ path: this._local(path), isFolder: type === 'directory' });
    }
    actions.copyFromWorkspace(items, target);
  }

  private _local(path: string): string {
    return this._options.app.serviceManager.contents.localPath(path);
  }

  private _mark(node: Element | null): void {
    if (node !== this._marked) {
      this._marked?.classList.remove(TARGET_CLASS);
      node?.classList.add(TARGET_CLASS);
      this._marked = node;
    }
  }

  private _marked: Element | null = null;
}

/**
 * Return whether a path is on the default drive, or on the drive of shared documents: both are the server's own files.
 */
function isOfWorkspace(contents: Contents.IManager, path: string): boolean {
  return ['', 'RTC'].includes(contents.driveName(path));
}

function folderBelow(node: Element): Element | null {
  const item = node.closest<HTMLElement>(`.${ITEM_CLASS}`);
  return item?.dataset.isdir === 'true' ? item : null;
}

export namespace WorkspaceDrag {
  export interface IOptions {
    app: JupyterFrontEnd;
    sidebar: Sidebar;
    factory: IFileBrowserFactory;
    /** Return the file browser used last. */
    browser: () => FileBrowser | null;
    trans: TranslationBundle;
  }
}
