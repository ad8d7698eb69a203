import { Signal } from '@lumino/signaling';
import { describe, expect, it, vi } from 'vitest';

import { trans, transfer } from '../../testing/fakes';
import type { Transfer } from '../../tokens';
import type { TransfersModel } from '../../transfers/transfers';
import type { UploadsModel } from '../../uploads/uploads';
import { RunningTransfers } from './runningtransfers';
import { progress } from './status';

class FakeModel {
  readonly stateChanged = new Signal<this, void>(this);
  transfers: Transfer[] = [];
  batches: object[] = [];
  start = vi.fn();
}

describe('RunningTransfers', () => {
  const transfers = new FakeModel();
  const uploads = new FakeModel();
  const cancel = vi.fn();
  const confirm = vi.fn(async () => true);
  const models = {
    transfers: transfers as unknown as TransfersModel,
    uploads: uploads as unknown as UploadsModel
  };
  const running = new RunningTransfers({ ...models, show: vi.fn(), confirm, cancel, trans });

  it('lists active transfers, and emits a signal only when they change', () => {
    const changed = vi.fn();
    running.runningChanged.connect(changed);
    transfers.transfers = [transfer({ id: 'a' }), transfer({ id: 'b', state: 'completed' })];
    transfers.stateChanged.emit();
    transfers.transfers[0].bytesDone = 5;
    transfers.stateChanged.emit();
    expect(running.running()).toHaveLength(1);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('cancels one after confirmation, and all after the confirmation of Lab', async () => {
    confirm.mockResolvedValueOnce(false);
    running.running()[0].shutdown!();
    await Promise.resolve();
    expect(cancel).not.toHaveBeenCalled();
    running.running()[0].shutdown!();
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledWith('a'));
    uploads.batches = [{ id: 'u', active: true, filesTotal: 2 }];
    cancel.mockClear();
    running.shutdownAll();
    expect(cancel.mock.calls).toEqual([['u'], ['a']]);
    uploads.batches = [];
  });

  it('sums up transfers of known size in the status bar', () => {
    transfers.transfers = [
      transfer({ id: 'a', bytesDone: 10, bytesTotal: 40, rate: 5 }),
      transfer({ id: 'b', bytesDone: 20, bytesTotal: 60, rate: 7 }),
      transfer({ id: 'c', state: 'completed', bytesDone: 1, bytesTotal: 1 })
    ];
    expect(progress(models)).toEqual({ fraction: 0.3, rate: 12 });
    transfers.transfers.push(transfer({ id: 'd' }));
    expect(progress(models).fraction).toBeNull();
  });
});
