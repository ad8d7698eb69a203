import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../request';
import { trans, transfer } from '../testing/fakes';
import type { HubRepo } from '../tokens';
import { ImportForm, type IImportFormProps } from './ImportForm';

function repo(fields: Partial<HubRepo> = {}): HubRepo {
  const files = [
    { path: 'model.safetensors', size: 1000 },
    { path: 'sub/config.json', size: 24 },
    { path: 'pytorch_model.bin', size: 1000 }
  ].map(file => ({ ...file, etag: 'e', lfs: false }));
  return {
    repo: 'org/name',
    repoType: 'model',
    revision: 'main',
    commit: '0123456789',
    gated: false,
    private: false,
    accessible: true,
    license: null,
    parameters: null,
    files,
    totalSize: 2024,
    ...fields
  };
}

describe('ImportForm', () => {
  const lookUp = vi.fn<IImportFormProps['lookUp']>();
  const start = vi.fn<IImportFormProps['start']>();
  const onStarted = vi.fn();
  const button = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Start import' });
  const user = userEvent.setup();

  beforeEach(() => {
    lookUp.mockReset().mockResolvedValue(repo());
    start.mockReset().mockResolvedValue(transfer());
    onStarted.mockReset();
    render(
      <ImportForm bucket="b" {...{ lookUp, start, onStarted, trans }} onCancel={() => undefined} />
    );
  });

  it('looks up, then starts what was found', async () => {
    expect(button().disabled).toBe(true);
    await user.type(screen.getByLabelText('Repository'), 'https://hub/org/name{Enter}');
    expect(await screen.findByText(/3 files · 2.0 KB/)).toBeTruthy();
    await user.click(button());
    expect(start).toHaveBeenCalledWith({
      repo: 'org/name',
      repoType: 'model',
      revision: 'main',
      bucket: 'b',
      onConflict: 'fail'
    });
    expect(onStarted).toHaveBeenCalled();
  });

  it('sends the patterns of the quick choice and shows what they leave', async () => {
    await user.type(screen.getByLabelText('Repository'), 'org/name{Enter}');
    await user.click(screen.getByRole('checkbox'));
    expect(await screen.findByText(/2 files · 1.0 KB/)).toBeTruthy();
    await user.click(button());
    expect(start.mock.lastCall![0].include).toContain('*.safetensors');
  });

  it('never starts what was found for another name', async () => {
    await user.type(screen.getByLabelText('Repository'), 'org/name{Enter}');
    await screen.findByText(/3 files/);
    const input = screen.getByLabelText('Repository');
    fireEvent.change(input, { target: { value: 'org/other' } });
    fireEvent.submit(input.closest('form')!);
    expect(start).not.toHaveBeenCalled();
    expect(lookUp.mock.lastCall![0]).toBe('org/other');
  });

  it('refuses to start what cannot be read, unless a token is given, which goes into that request only', async () => {
    lookUp.mockResolvedValue(repo({ gated: true, accessible: false }));
    await user.type(screen.getByLabelText('Repository'), 'org/name{Enter}');
    expect((await screen.findByRole('alert')).textContent).toMatch(/accept the licence/);
    expect(button().disabled).toBe(true);
    lookUp.mockResolvedValue(repo({ gated: true, accessible: true }));
    await user.type(screen.getByLabelText('Token for this import only'), 'hf_secret');
    expect(button().disabled).toBe(true);
    await user.click(screen.getByRole('button', { name: 'Look up' }));
    expect(lookUp.mock.lastCall![1].token).toBe('hf_secret');
    await screen.findByText(/3 files/);
    await user.click(button());
    expect(start.mock.lastCall![0].token).toBe('hf_secret');
  });

  it("stays open with the server's words when the import is refused", async () => {
    start.mockRejectedValue(new ApiError('Conflict', 'config.json differs.', 409));
    await user.type(screen.getByLabelText('Repository'), 'org/name{Enter}');
    await screen.findByText(/3 files/);
    await user.click(button());
    expect((await screen.findByRole('alert')).textContent).toBe('config.json differs.');
    expect(onStarted).not.toHaveBeenCalled();
    expect(button().disabled).toBe(false);
  });
});
