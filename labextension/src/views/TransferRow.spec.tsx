import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';

import { fakeActions, trans, transfer } from '../testing/fakes';
import { TransferRow } from './TransferRow';

it('shows how far a running transfer is, and cancels it', async () => {
  const actions = fakeActions();
  const running = transfer({
    bytesDone: 1024 ** 3,
    bytesTotal: 4 * 1024 ** 3,
    filesDone: 2,
    filesTotal: 9,
    rate: 80 * 1024 ** 2,
    eta: 38.4
  });
  render(<TransferRow transfer={running} actions={actions} trans={trans} />);
  const bar = screen.getByRole('progressbar');
  expect(bar.getAttribute('aria-valuenow')).toBe('25');
  expect(screen.getByText('1.0 GB of 4.0 GB · 80.0 MB/s · 38 s left · 2 of 9 files')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(actions.cancelTransfer).toHaveBeenCalledWith('t1');
});

it('claims no percentage while the total is unknown', () => {
  render(<TransferRow transfer={transfer()} actions={fakeActions()} trans={trans} />);
  expect(screen.getByRole('progressbar').hasAttribute('aria-valuenow')).toBe(false);
});

it("repeats the server's error and can be cleared when it has ended", async () => {
  const actions = fakeActions();
  const failed = transfer({
    state: 'failed',
    error: { code: 'AccessDenied', message: 'PutObject is not allowed.' }
  });
  render(<TransferRow transfer={failed} actions={actions} trans={trans} />);
  expect(screen.queryByRole('progressbar')).toBeNull();
  expect(screen.getByRole('alert').textContent).toBe('PutObject is not allowed.');
  await userEvent.click(screen.getByRole('button', { name: 'Clear' }));
  expect(actions.removeTransfer).toHaveBeenCalledWith('t1');
});
