import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { CopyModel } from '../../forms/copymodel';
import { page, plan, trans, transfer } from '../../testing/fakes';
import { CopyForm } from './CopyForm';

describe('CopyForm', () => {
  const server = {
    listBuckets: vi.fn<CopyModel.IServer['listBuckets']>(),
    listObjects: vi.fn<CopyModel.IServer['listObjects']>(),
    createFolder: vi.fn<CopyModel.IServer['createFolder']>(),
    planTransfer: vi.fn<CopyModel.IServer['planTransfer']>(),
    startTransfer: vi.fn<CopyModel.IServer['startTransfer']>()
  };
  const onStarted = vi.fn();
  const onClose = vi.fn();
  const user = userEvent.setup();
  const button = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Move' });

  beforeEach(() => {
    vi.resetAllMocks();
    server.listBuckets.mockRejectedValue(new Error('not allowed'));
    server.listObjects.mockImplementation(async (_, prefix) =>
      page([], prefix === '' ? ['a/', 'x/'] : [`${prefix}deep/`])
    );
    server.planTransfer.mockResolvedValue(plan('s3://b/x/', { create: 1 }));
    server.startTransfer.mockResolvedValue(transfer());
    const model = new CopyModel({
      server,
      action: 'move',
      bucket: 'b',
      prefix: '',
      rows: [{ kind: 'file', key: 'one.txt', name: 'one.txt', size: 1 }],
      sleep: async () => undefined
    });
    render(<CopyForm {...{ model, onStarted, onClose, trans }} />);
  });

  it('opens a folder by keyboard alone, shows what would happen, and starts it', async () => {
    expect(screen.getByText(/Already in this folder/)).toBeTruthy();
    const list = screen.getByRole('listbox', { name: 'Folders' });
    await within(list).findByRole('option', { name: 'x' });
    list.focus();
    await user.keyboard('{ArrowDown}{Enter}');
    await within(list).findByRole('option', { name: 'deep' });
    expect(screen.getByLabelText<HTMLInputElement>('Folder').value).toBe('x/');
    expect(await screen.findByText('1 file, 1.0 kB, to s3://b/x/')).toBeTruthy();
    await user.click(button());
    expect(server.startTransfer).toHaveBeenCalledWith({
      action: 'move',
      source: 's3://b/one.txt',
      target: 's3://b/x/one.txt',
      onConflict: 'fail'
    });
    expect(onStarted).toHaveBeenCalled();
    expect(onClose).toHaveBeenCalled();
  });

  it('goes up with Backspace, and starts nothing with Enter in the list', async () => {
    const list = screen.getByRole('listbox', { name: 'Folders' });
    await within(list).findByRole('option', { name: 'x' });
    list.focus();
    await user.keyboard('{Enter}{Backspace}');
    expect(screen.getByLabelText<HTMLInputElement>('Folder').value).toBe('');
    expect(onClose).not.toHaveBeenCalled();
  });

  it('asks what to do with conflicts', async () => {
    server.planTransfer.mockResolvedValue(plan('s3://b/x/', { conflict: 1 }));
    await user.type(screen.getByLabelText('Folder'), 'x');
    await screen.findByText('One object already exists and is different');
    await user.click(screen.getByLabelText('Keep both (new names for the copies)'));
    await user.click(button());
    expect(server.startTransfer.mock.lastCall![0].onConflict).toBe('rename');
  });

  it('creates a folder in the form', async () => {
    server.createFolder.mockResolvedValue({});
    await user.click(screen.getByRole('button', { name: 'New Folder' }));
    await user.type(screen.getByLabelText('Name of the new folder'), 'fresh{Enter}');
    expect(server.createFolder).toHaveBeenCalledWith('b', 'fresh/');
    await vi.waitFor(() =>
      expect(screen.getByLabelText<HTMLInputElement>('Folder').value).toBe('fresh/')
    );
    expect(server.startTransfer).not.toHaveBeenCalled();
  });
});
