import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';

import { fakeActions, trans, transfer } from '../../testing/fakes';
import type { Transfer } from '../../tokens';
import { TransferRow } from './TransferRow';

it('shows how far a running transfer is, and cancels it', async () => {
  const actions = fakeActions();
  const running = transfer({
    bytesDone: 1e9,
    bytesTotal: 4e9,
    filesDone: 2,
    filesTotal: 9,
    rate: 80e6,
    eta: 38.4
  });
  render(<TransferRow transfer={running} actions={actions} trans={trans} />);
  const bar = screen.getByRole('progressbar');
  expect(bar.getAttribute('aria-valuenow')).toBe('25');
  expect(screen.getByText('1.0 GB of 4.0 GB · 80.0 MB/s · 38 s left · 2 of 9 files')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(actions.cancelTransfer).toHaveBeenCalledWith('t1');
});

it('shows how many items of a folder it transfers', () => {
  const some = transfer({ action: 'move', source: 's3://b/d/', namesTotal: 12 });
  render(<TransferRow transfer={some} actions={fakeActions()} trans={trans} />);
  expect(screen.getByText('Move 12 items of s3://b/d/')).toBeTruthy();
});

it('claims no percentage while the total is unknown', () => {
  render(<TransferRow transfer={transfer()} actions={fakeActions()} trans={trans} />);
  expect(screen.getByRole('progressbar').hasAttribute('aria-valuenow')).toBe(false);
});

it("shows the server's error and can be cleared when it has ended", async () => {
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

it('offers the actions of its state, and keeps the focus on a changing button', async () => {
  const actions = fakeActions();
  const row = (fields: Partial<Transfer>) => (
    <TransferRow transfer={transfer(fields)} actions={actions} trans={trans} />
  );
  const { rerender } = render(row({ state: 'queued' }));
  const names = () => screen.getAllByRole('button').map(button => button.ariaLabel ?? button.title);
  expect(names()).toEqual(['Files', 'Pause', 'Cancel']);
  await userEvent.tab();
  await userEvent.tab();
  await userEvent.keyboard('{Enter}');
  expect(actions.pauseTransfer).toHaveBeenCalledWith('t1');

  rerender(row({ state: 'paused' }));
  expect(names()).toEqual(['Files', 'Resume', 'Cancel']);
  expect(document.activeElement?.getAttribute('aria-label')).toBe('Resume');
  await userEvent.keyboard(' ');
  expect(actions.resumeTransfer).toHaveBeenCalledTimes(1);

  rerender(row({ state: 'failed', filesFailed: 2 }));
  expect(names()).toEqual(['Files', 'Retry failed files', 'Clear']);
  await userEvent.click(screen.getByRole('button', { name: 'Retry failed files' }));
  expect(actions.retryTransfer).toHaveBeenCalledWith('t1');

  rerender(row({ state: 'cancelled' }));
  expect(names()).toEqual(['Files', 'Clear']);
});

it('says how many hidden files were skipped', () => {
  const ended = transfer({ state: 'completed', filesTotal: 3, filesDone: 3, filesOmitted: 2 });
  render(<TransferRow transfer={ended} actions={fakeActions()} trans={trans} />);
  expect(screen.getByText(/2 hidden files skipped/)).toBeTruthy();
});

it('links to the settings when a paused transfer needs its connection', async () => {
  const actions = fakeActions();
  const paused = transfer({
    state: 'paused',
    needs: 'connection',
    error: { code: 'AccessDenied', message: 'The keys have expired.' }
  });
  render(<TransferRow transfer={paused} actions={actions} trans={trans} />);
  expect(screen.getByRole('alert').textContent).toBe('The keys have expired.');
  await userEvent.click(screen.getByRole('button', { name: 'Connection Settings…' }));
  expect(actions.settings).toHaveBeenCalled();
});

it('lists the files while it is open', async () => {
  const actions = fakeActions();
  const failed = {
    path: 'bad.bin',
    target: 's3://bucket/bad.bin',
    size: 10,
    bytesDone: 0,
    state: 'failed' as const,
    error: { code: 'ChecksumMismatch', message: 'What arrived is not what was sent.' }
  };
  actions.listTransferFiles.mockImplementation(async (_id, { state }) =>
    state === 'failed'
      ? { files: [failed], total: 1, offset: 0 }
      : { files: [], total: 0, offset: 0 }
  );
  const ended = transfer({ state: 'failed', filesTotal: 1, filesFailed: 1 });
  render(<TransferRow transfer={ended} actions={actions} trans={trans} />);
  expect(actions.listTransferFiles).not.toHaveBeenCalled();
  const opener = screen.getByRole('button', { name: 'Files' });
  expect(opener.getAttribute('aria-expanded')).toBe('false');
  await userEvent.click(opener);
  const list = await screen.findByRole(
    'list',
    { name: `Files of ${ended.source}` },
    { timeout: 10_000 }
  );
  expect(list.textContent).toBe('bad.binFailedWhat arrived is not what was sent.');
  await userEvent.click(opener);
  expect(screen.queryByRole('list', { name: `Files of ${ended.source}` })).toBeNull();
});
