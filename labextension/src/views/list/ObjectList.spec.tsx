import { act, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';

import { BrowserModel } from '../../list/browser';
import { ConnectionsModel } from '../../list/connections';
import { UsageModel } from '../../list/usage';
import { fakeActions, page, trans } from '../../testing/fakes';
import { TransfersModel } from '../../transfers/transfers';
import { UnfinishedModel } from '../../uploads/unfinished';
import { UploadsModel } from '../../uploads/uploads';
import { Browser } from '../browser/Browser';

const COUNT = 2000;
const KEYS = Array.from({ length: COUNT }, (_, index) => `file-${String(index).padStart(4, '0')}`);

const unused = () => {
  throw new Error('not part of this test');
};

describe('ObjectList', () => {
  let model: BrowserModel;
  let actions: ReturnType<typeof fakeActions>;
  let keys: string[];
  const user = userEvent.setup();

  beforeEach(async () => {
    actions = fakeActions();
    keys = KEYS;
    model = new BrowserModel({
      pageSize: () => 1000,
      store: {
        listBuckets: async () => ({
          owner: null,
          defaultBucket: 'bucket',
          buckets: [{ Name: 'bucket' }, { Name: 'other' }],
          listable: true
        }),
        listObjects: async (_, prefix) => (prefix ? page([`${prefix}inner`]) : page(keys, ['zoo/']))
      }
    });
    const transfers = new TransfersModel({
      sleep: unused,
      server: {
        transferEvents: unused,
        listTransfers: unused,
        cancelTransfer: unused,
        removeTransfer: unused
      }
    });
    const uploads = new UploadsModel({ send: unused, ask: unused, limit: () => 1 });
    const unfinished = new UnfinishedModel({
      server: { listUploads: unused, abortUpload: unused },
      connections: () => [],
      isOwn: unused,
      locked: unused
    });
    const connections = new ConnectionsModel({
      listConnections: unused,
      addConnection: unused,
      removeConnection: unused,
      saveConnection: unused
    });
    const usage = new UsageModel({ countUsage: unused });
    await model.start();
    render(
      <Browser {...{ model, connections, usage, transfers, uploads, unfinished, actions, trans }} />
    );
  });

  const focused = () => (document.activeElement as HTMLElement).dataset.index;
  const selected = () => model.selectedRows.map(({ name }) => name);

  it('is a grid with only the visible rows in the page', () => {
    expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe(String(COUNT + 2));
    const rows = screen.getAllByRole('row');
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.length).toBeLessThan(100);
  });

  it('moves focus and selection by the arrows, Home, End and type-ahead', async () => {
    await user.click(screen.getByText('zoo'));
    expect([focused(), selected()]).toEqual(['0', ['zoo']]);
    await user.keyboard('{ArrowDown}{ArrowDown}');
    expect([focused(), selected()]).toEqual(['2', ['file-0001']]);
    await user.keyboard('{End}');
    expect([focused(), selected()]).toEqual([String(COUNT), ['file-1999']]);
    await user.keyboard('{Home}');
    expect(focused()).toBe('0');
    await user.keyboard('file-0010');
    expect(selected()).toEqual(['file-0010']);
  });

  it('selects ranges with Shift, single rows with Ctrl, and all with Ctrl+A', async () => {
    await user.click(screen.getByText('zoo'));
    await user.keyboard('{Shift>}{ArrowDown}{ArrowDown}{/Shift}');
    expect(selected()).toEqual(['zoo', 'file-0000', 'file-0001']);
    await user.keyboard('{Shift>}{ArrowUp}{/Shift}');
    expect(selected()).toEqual(['zoo', 'file-0000']);
    fireEvent.click(screen.getByText('file-0003'), { ctrlKey: true });
    expect(selected()).toEqual(['zoo', 'file-0000', 'file-0003']);
    await user.keyboard('{Control>}a{/Control}');
    expect(selected()).toHaveLength(COUNT + 1);
    await user.keyboard('{Escape}');
    expect(selected()).toEqual([]);
  });

  it('does not handle Ctrl+A and Delete of the filter', async () => {
    await user.click(screen.getByRole('searchbox'));
    await user.keyboard('file-00{Control>}a{/Control}{Delete}');
    expect(selected()).toEqual([]);
    expect(actions.remove).not.toHaveBeenCalled();
  });

  it('opens with Enter, deletes the selection, goes up with Backspace', async () => {
    await user.click(screen.getByText('file-0000'));
    await user.keyboard('{Enter}');
    expect(actions.openRow.mock.lastCall![0].key).toBe('file-0000');
    await user.keyboard('{Shift>}{ArrowDown}{/Shift}{Delete}');
    expect(actions.remove.mock.lastCall![0].map(({ key }: { key: string }) => key)).toEqual([
      'file-0000',
      'file-0001'
    ]);
    await act(() => model.open('bucket', 'zoo/'));
    await user.click(screen.getByText('inner'));
    await user.keyboard('{Backspace}');
    expect(model.prefix).toBe('');
    expect(focused()).toBe('0');
  });

  it('moves the focus to the neighbour of a removed row, without selecting it', async () => {
    await user.click(screen.getByText('file-0007'));
    keys = KEYS.filter(key => key !== 'file-0007');
    await act(() => model.refresh());
    expect([document.activeElement?.textContent, selected()]).toEqual([
      screen.getByText('file-0008').closest('[role=row]')!.textContent,
      []
    ]);
    keys = keys.slice(0, 9);
    await user.keyboard('{End}');
    keys = keys.slice(0, 5);
    await act(() => model.refresh());
    expect(focused()).toBe('5');
  });

  it('keeps the focus when another row is removed', async () => {
    await user.click(screen.getByText('file-0007'));
    await user.click(screen.getByRole('searchbox'));
    keys = [];
    await act(() => model.refresh());
    expect(document.activeElement).toBe(screen.getByRole('searchbox'));
  });

  it('reaches the buttons of a row by the right arrow, and Enter presses them', async () => {
    await user.click(screen.getByText('file-0000'));
    await user.keyboard('{ArrowRight}{ArrowRight}');
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Copy URI');
    await user.keyboard('{Enter}');
    expect(actions.copyUri.mock.lastCall![0][0].key).toBe('file-0000');
    expect(actions.openRow).not.toHaveBeenCalled();
    await user.keyboard('{ArrowLeft}{ArrowLeft}');
    expect(focused()).toBe('1');
  });

  it('clears the filter with Esc', async () => {
    await user.type(screen.getByRole('searchbox'), '0042');
    expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('2');
    await user.keyboard('{Escape}');
    expect(model.filter).toBe('');
  });

  it('opens any entered bucket, listed or not', async () => {
    await user.click(screen.getByRole('combobox'));
    expect(screen.getAllByRole('option').map(node => node.textContent)).toEqual([
      'bucket',
      'other',
      'Create Bucket…'
    ]);
    await user.keyboard('hidden-bucket{Enter}');
    expect(model.bucket).toBe('hidden-bucket');
    await user.clear(screen.getByRole('combobox'));
    await user.keyboard('oth{ArrowDown}{Enter}');
    expect(model.bucket).toBe('other');
  });
});
