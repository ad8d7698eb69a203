import { Notification } from '@jupyterlab/apputils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { OdhTecAPI } from '../../api/api';
import type { IRow } from '../../list/rows';
import { trans, transfer } from '../../testing/fakes';
import { ObjectActions } from './objectactions';

const file = (key: string): IRow => ({ kind: 'file', key, name: key.replace('a/', ''), size: 1 });
const folder: IRow = { kind: 'folder', key: 'a/sub/', name: 'sub' };

describe('ObjectActions', () => {
  const model = {
    bucket: 'b',
    prefix: 'a/',
    reconnect: vi.fn(),
    refresh: vi.fn()
  };
  const edits = { remove: vi.fn() };
  const api = Object.assign(Object.create(OdhTecAPI.prototype), {
    _settings: { baseUrl: 'http://lab/' },
    listObjects: vi.fn(),
    listVersions: vi.fn(),
    countUsage: vi.fn(),
    deleteBucket: vi.fn()
  });
  const dialogs = { confirmDelete: vi.fn(), confirmDeleteBucket: vi.fn(), showSize: vi.fn() };
  const messages = { showFailures: vi.fn() };
  const transfers = { add: vi.fn() };
  let confirmsDeletion = true;
  const options = {
    api,
    model,
    edits,
    dialogs,
    messages,
    transfers,
    trans,
    confirmDelete: () => confirmsDeletion
  };
  const actions = new ObjectActions(options as unknown as ObjectActions.IOptions);
  const clicked: string[] = [];
  const said = vi.spyOn(Notification, 'error');

  beforeEach(() => {
    vi.clearAllMocks();
    confirmsDeletion = true;
    model.prefix = 'a/';
    edits.remove.mockResolvedValue({ errors: [] });
    api.listVersions.mockRejectedValue(new Error('not here'));
    api.countUsage.mockRejectedValue(new Error('not here'));
    dialogs.confirmDelete.mockResolvedValue(true);
    clicked.length = 0;
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
      this: HTMLAnchorElement
    ) {
      clicked.push(this.href);
    });
  });

  afterEach(() => vi.mocked(HTMLAnchorElement.prototype.click).mockRestore());

  it('downloads one file as it is, and anything else as one ZIP', () => {
    actions.download([file('a/x')]);
    actions.download([folder]);
    actions.download([file('a/x'), folder]);
    expect(clicked).toEqual([
      'http://lab/odhtec/api/objects/download/b/YS94',
      'http://lab/odhtec/api/archive/b?base=YS8&prefix=YS9zdWIv',
      'http://lab/odhtec/api/archive/b?base=YS8&prefix=YS9zdWIv&key=YS94'
    ]);
  });

  it('reports a selection too long for a URL', () => {
    actions.download(Array.from({ length: 1000 }, (_, index) => file(`a/name-${index}`)));
    expect(clicked).toEqual([]);
    expect(said.mock.lastCall![0]).toMatch(/Select fewer/);
  });

  it('asks before deleting a folder, whatever the settings', async () => {
    confirmsDeletion = false;
    await actions.remove([file('a/x')]);
    expect(dialogs.confirmDelete).not.toHaveBeenCalled();
    expect(edits.remove).toHaveBeenCalledTimes(1);
    dialogs.confirmDelete.mockResolvedValueOnce(false);
    await actions.remove([folder]);
    expect(edits.remove).toHaveBeenCalledTimes(1);
  });

  it('deletes nothing if another folder has been opened', async () => {
    dialogs.confirmDelete.mockImplementationOnce(async () => {
      model.prefix = 'other/';
      return true;
    });
    await actions.remove([file('a/x')]);
    expect(edits.remove).not.toHaveBeenCalled();
  });

  it('shows the transfer of a deletion, and the keys that failed', async () => {
    const errors = [{ Key: 'a/x', Code: 'AccessDenied', Message: 'No.' }];
    edits.remove.mockResolvedValueOnce({ errors, transfer: transfer() });
    await actions.remove([file('a/x')]);
    expect(transfers.add).toHaveBeenCalledWith(transfer());
    expect(messages.showFailures).toHaveBeenCalledWith('One Object Was Not Deleted', errors);
  });

  it('deletes only an empty bucket, and only after confirmation', async () => {
    api.listObjects.mockResolvedValue({ objects: [{}], prefixes: [] });
    await actions.deleteBucket();
    expect(said.mock.lastCall![0]).toMatch(/s3:\/\/b\/ is not empty/);
    expect(dialogs.confirmDeleteBucket).not.toHaveBeenCalled();
    api.listObjects.mockResolvedValue({ objects: [], prefixes: [] });
    dialogs.confirmDeleteBucket.mockResolvedValueOnce(false).mockResolvedValueOnce(true);
    await actions.deleteBucket();
    expect(api.deleteBucket).not.toHaveBeenCalled();
    await actions.deleteBucket();
    expect(api.deleteBucket).toHaveBeenCalledWith('b');
    expect(model.reconnect).toHaveBeenCalled();
  });

  it('sums several rows, and the folder that is shown when there are none', async () => {
    await actions.properties([file('a/x'), folder]);
    expect(dialogs.showSize.mock.lastCall![1]).toHaveLength(2);
    await actions.properties([]);
    expect(dialogs.showSize.mock.lastCall![1]).toEqual([{ kind: 'folder', key: 'a/', name: 'a' }]);
  });
});
