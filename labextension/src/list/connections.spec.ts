import { describe, expect, it, vi } from 'vitest';

import { connection, Deferred } from '../testing/fakes';
import type { ConnectionList } from '../tokens';
import { ConnectionsModel } from './connections';

const list = (...connections: ConnectionList['connections']): ConnectionList => ({
  connections,
  problems: [],
  presets: []
});

describe('ConnectionsModel', () => {
  const server = {
    listConnections: vi.fn<() => Promise<ConnectionList>>(),
    addConnection: vi.fn(async () => connection({ name: 'new' })),
    removeConnection: vi.fn(async () => undefined),
    saveConnection: vi.fn(async () => connection())
  };

  it('finds the default connection by its name and by the empty one of addresses', async () => {
    server.listConnections.mockResolvedValue(
      list(connection({ name: 'default' }), connection({ name: 'archive', title: 'Archive' }))
    );
    const model = new ConnectionsModel(server);
    await model.refresh();
    expect([model.find('')?.name, model.find('default')?.name]).toEqual(['default', 'default']);
    expect([model.titleOf(''), model.titleOf('archive'), model.titleOf('gone')]).toEqual([
      'default',
      'Archive',
      'gone'
    ]);
  });

  it('uses the latest reply, and keeps the list after an error', async () => {
    const replies = [new Deferred<ConnectionList>(), new Deferred<ConnectionList>()];
    replies.forEach(({ promise }) => server.listConnections.mockReturnValueOnce(promise));
    const model = new ConnectionsModel(server);
    const both = [model.refresh(), model.refresh()];
    replies[1].resolve(list(connection({ name: 'new' })));
    replies[0].resolve(list(connection({ name: 'old' })));
    await Promise.all(both);
    server.listConnections.mockRejectedValueOnce(new Error('down'));
    await model.refresh();
    expect(model.all.map(({ name }) => name)).toEqual(['new']);
  });

  it('reads the list again after each change', async () => {
    server.listConnections.mockReset().mockResolvedValue(list());
    const model = new ConnectionsModel(server);
    await model.add({ name: 'new' });
    await model.save('new');
    await model.remove('new');
    expect(server.listConnections).toHaveBeenCalledTimes(3);
    expect(server.removeConnection).toHaveBeenCalledWith('new');
  });
});
