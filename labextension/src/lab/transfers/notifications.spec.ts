import { Notification } from '@jupyterlab/apputils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { trans, transfer } from '../../testing/fakes';
import { TransferNotifications } from './notifications';

describe('TransferNotifications', () => {
  let wanted = true;
  const retryTransfer = vi.fn();
  const notifications = new TransferNotifications({
    isWanted: () => wanted,
    show: vi.fn(),
    retryTransfer,
    retryUpload: vi.fn(),
    trans
  });
  const success = vi.spyOn(Notification, 'success').mockReturnValue('');
  const error = vi.spyOn(Notification, 'error').mockReturnValue('');
  const labels = (call: unknown[]) =>
    (call[1] as Notification.IOptions<never>).actions!.map(({ label }) => label);

  beforeEach(() => {
    wanted = true;
  });
  afterEach(() => vi.clearAllMocks());

  it('offers the path in the bucket after an import', () => {
    notifications.transferEnded(transfer({ state: 'completed', target: 's3://models/org/name/' }));
    expect(labels(success.mock.lastCall!)).toEqual(['Show', 'Copy Path']);
    expect(success.mock.lastCall![1]!.actions![1].caption).toContain('org/name');
    notifications.transferEnded(transfer({ state: 'completed', target: 's3://models/' }));
    expect(labels(success.mock.lastCall!)).toEqual(['Show']);
  });

  it('offers a retry after a failure', () => {
    const why = { code: 'x', message: 'The hub is away.' };
    notifications.transferEnded(transfer({ id: 't', state: 'failed', error: why }));
    expect(error.mock.lastCall![0]).toContain('The hub is away.');
    error.mock.lastCall![1]!.actions![1].callback(new MouseEvent('click'));
    expect(retryTransfer).toHaveBeenCalledWith('t');
  });

  it('does not notify if the panel is visible or the user has cancelled', () => {
    notifications.transferEnded(transfer({ state: 'cancelled' }));
    wanted = false;
    notifications.transferEnded(transfer({ state: 'failed' }));
    expect([success.mock.calls, error.mock.calls]).toEqual([[], []]);
  });
});
