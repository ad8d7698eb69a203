import type { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { IRow } from '../../list/rows';
import { trans } from '../../testing/fakes';
import { CommandIDs } from '../../tokens';
import type { Sidebar } from '../browsers/sidebar';
import { addListCommands } from './listcommands';

const folder: IRow = { kind: 'folder', key: 'a/', name: 'a' };
const file: IRow = { kind: 'file', key: 'b', name: 'b', size: 1 };

describe('Count Size of Folder', () => {
  const model = { bucket: 'bucket', selectedRows: [] as IRow[], search: null };
  const usage = {
    stateChanged: new Signal<object, void>({}),
    get: vi.fn<() => { state: string } | undefined>(),
    count: vi.fn(async () => undefined),
    stop: vi.fn()
  };
  const sidebar = { current: { model }, currentChanged: new Signal<object, void>({}), usage };
  const commands = new CommandRegistry();
  const app = { commands, contextMenu: { addItem: vi.fn() } };
  addListCommands(app as unknown as JupyterFrontEnd, sidebar as unknown as Sidebar, trans);
  const isEnabled = () => commands.isEnabled(CommandIDs.countUsage);

  beforeEach(() => {
    vi.clearAllMocks();
    usage.get.mockReturnValue(undefined);
  });

  it('is enabled only when a folder is selected', () => {
    model.selectedRows = [];
    expect(isEnabled()).toBe(false);
    model.selectedRows = [file];
    expect(isEnabled()).toBe(false);
    model.selectedRows = [file, folder];
    expect(isEnabled()).toBe(true);
  });

  it('counts the selected folders, or stops while they are counted', async () => {
    model.selectedRows = [file, folder];
    await commands.execute(CommandIDs.countUsage);
    expect(usage.count.mock.calls).toEqual([['bucket', 'a/']]);
    usage.get.mockReturnValue({ state: 'counting' });
    expect(commands.label(CommandIDs.countUsage)).toBe('Stop Counting');
    await commands.execute(CommandIDs.countUsage);
    expect(usage.stop.mock.calls).toEqual([['bucket', 'a/']]);
  });
});
