import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { BrowserModel } from '../../list/browser';
import { ConnectionsModel } from '../../list/connections';
import { connection, fakeActions, trans } from '../../testing/fakes';
import type { ConnectionSummary } from '../../tokens';
import { ConnectionBox } from './ConnectionBox';

const standard = connection({ name: 'default', source: 'environment' });
const added = connection({ name: 'mine', source: 'session', removable: true });

describe('ConnectionBox', () => {
  const openConnection = vi.fn();
  const actions = fakeActions();

  const show = async (open: string, ...all: ConnectionSummary[]) => {
    const unused = vi.fn();
    const connections = new ConnectionsModel({
      listConnections: async () => ({ connections: all, problems: [], presets: [] }),
      addConnection: unused,
      removeConnection: unused,
      saveConnection: unused
    });
    await connections.refresh();
    const model = { connection: open, openConnection } as unknown as BrowserModel;
    render(<ConnectionBox {...{ model, connections, actions, trans }} />);
  };

  beforeEach(() => vi.clearAllMocks());

  it('is absent if there is only the default connection', async () => {
    await show('', standard);
    expect(screen.queryByRole('combobox')).toBeNull();
  });

  it('groups connections by source, and says which are read-only or cannot be used', async () => {
    await show(
      '',
      standard,
      connection({ name: 'a', title: 'Archive', source: 'configured', readOnly: true }),
      connection({ name: 'b', source: 'profiles', error: 'It has no keys.' })
    );
    const groups = screen.getAllByRole('group').map(group => group.getAttribute('label'));
    expect(groups).toEqual(['Data connection', 'Configured by the administrator', 'AWS profiles']);
    expect(screen.getAllByRole('option').map(({ textContent }) => textContent)).toEqual([
      'default',
      'Archive (read-only)',
      'b (cannot be used)'
    ]);
  });

  it('opens the chosen connection, the default one by its empty name', async () => {
    await show('mine', standard, added);
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Connection' }), 'default');
    expect(openConnection).toHaveBeenCalledWith('');
  });

  it('describes why the open connection cannot be used', async () => {
    await show('b', standard, connection({ name: 'b', error: 'It has no keys.' }));
    const box = screen.getByRole('combobox', { description: 'It has no keys.' });
    expect(box).toHaveProperty('value', 'b');
  });

  it('removes and saves only what was added', async () => {
    await show('mine', standard, added);
    await userEvent.click(screen.getByRole('button', { name: 'Remove Connection…' }));
    await userEvent.click(screen.getByRole('button', { name: 'Save as AWS Profile…' }));
    expect(actions.removeConnection).toHaveBeenCalledWith('mine');
    expect(actions.saveConnection).toHaveBeenCalledWith('mine');
  });

  it('offers neither for a connection of another source', async () => {
    await show('', standard, added);
    expect(screen.queryByRole('button', { name: 'Remove Connection…' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Save as AWS Profile…' })).toBeNull();
  });
});
