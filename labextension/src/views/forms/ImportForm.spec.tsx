import { fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import { ImportModel } from '../../forms/importmodel';
import { hubRepo, plan, trans, transfer } from '../../testing/fakes';
import { ImportForm } from './ImportForm';

describe('ImportForm', () => {
  const server = {
    getHubRepo: vi.fn<ImportModel.IServer['getHubRepo']>(),
    getHubRefs: vi.fn<ImportModel.IServer['getHubRefs']>(),
    getHubSettings: vi.fn<ImportModel.IServer['getHubSettings']>(),
    planImport: vi.fn<ImportModel.IServer['planImport']>(),
    importFromHub: vi.fn<ImportModel.IServer['importFromHub']>()
  };
  const onStarted = vi.fn();
  const button = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Start Import' });
  const repository = () => screen.getByLabelText('Repository');
  const file = (name: RegExp) => within(screen.getByRole('listbox')).getByRole('option', { name });
  const started = () => server.importFromHub.mock.lastCall![0];
  const user = userEvent.setup();

  beforeEach(() => {
    vi.resetAllMocks();
    server.getHubRepo.mockResolvedValue(hubRepo());
    server.getHubRefs.mockResolvedValue({
      branches: [{ name: 'main', commit: '0' }],
      tags: [{ name: 'v2', commit: '1' }]
    });
    server.getHubSettings.mockResolvedValue({
      hfEndpoint: 'https://hub',
      hfTokenSet: false,
      hfTokenFrom: null
    });
    server.planImport.mockResolvedValue(
      plan('s3://b/top/org/name/', { create: 1, skip: 1, conflict: 1 }, [
        ['model.safetensors', 'conflict'],
        ['pytorch_model.bin', 'skip'],
        ['sub/config.json', 'create']
      ])
    );
    server.importFromHub.mockResolvedValue(transfer());
    const model = new ImportModel({
      server,
      bucket: 'b',
      prefix: 'top/',
      sleep: async () => undefined
    });
    const rest = { model, onStarted, trans };
    render(<ImportForm {...rest} onClose={() => undefined} />);
  });

  it('offers to delete leftovers of another revision', async () => {
    const objects = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => ({
      key: `top/org/name/${name}.bin`,
      size: 1000,
      ETag: '"e"',
      commit: 'c0ffee0123456789'
    }));
    server.planImport.mockResolvedValue({
      ...plan('s3://b/top/org/name/', { create: 3 }),
      remaining: { objects, commits: ['c0ffee0123456789'], bytesTotal: 6000, isTruncated: true }
    });
    await user.type(repository(), 'org/name{Enter}');
    const box = await screen.findByLabelText('Delete them when the import is complete');
    screen.getByText(/^6 objects are left over from revision c0ffee0 \(6.0 kB\)/);
    screen.getByText('top/org/name/e.bin');
    expect(screen.queryByText('top/org/name/f.bin')).toBeNull();
    screen.getByText('and 1 more');
    screen.getByText(/Only a part of the folder was compared/);
    await user.click(box);
    await user.click(button());
    expect(started().remove).toEqual(objects);
  });

  it('says that not all objects were compared when it found none of another revision', async () => {
    server.planImport.mockResolvedValue({
      ...plan('s3://b/top/org/name/', { create: 3 }),
      remaining: { objects: [], commits: [], bytesTotal: 0, isTruncated: true }
    });
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/Not all objects of the folder were compared/);
    expect(screen.queryByLabelText(/when the import is complete/)).toBeNull();
    await user.click(button());
    expect(started().remove).toBeUndefined();
  });

  it('shows existing files, then imports the selected ones', async () => {
    expect(button().disabled).toBe(true);
    await user.type(repository(), 'https://hub/org/name{Enter}');
    expect(await screen.findByText(/3 files · 2.0 kB/)).toBeTruthy();
    expect(await screen.findByText(/1 new, 1 identical, 1 different/)).toBeTruthy();
    expect(file(/model.safetensors/).textContent).toContain('different');
    expect(screen.getByText('Files are stored in s3://b/top/org/name/')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'org/name' })).toHaveProperty(
      'href',
      'https://hub/org/name'
    );
    await user.click(file(/pytorch_model.bin/));
    await user.click(screen.getByLabelText('Replace existing objects'));
    await user.click(button());
    expect(started()).toMatchObject({ exclude: ['pytorch_model.bin'], onConflict: 'overwrite' });
    expect(onStarted).toHaveBeenCalled();
  });

  it('has buttons to select safetensors, new files, and all files', async () => {
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    await user.click(screen.getByRole('button', { name: 'Safetensors Only' }));
    expect(screen.getByText(/2 of 3 files selected/)).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('Include').value).toContain('*.safetensors');
    await user.click(screen.getByRole('button', { name: 'New Files Only' }));
    expect(screen.getByText(/1 of 3 files selected/)).toBeTruthy();
    expect(screen.queryByText(/differ from their files/)).toBeNull();
    await user.click(screen.getByRole('button', { name: 'All' }));
    expect(screen.getByText(/3 of 3 files selected/)).toBeTruthy();
    await user.type(screen.getByLabelText('Exclude'), '*.bin sub/');
    expect(screen.getByText(/1 of 3 files selected/)).toBeTruthy();
  });

  it('checks files by keyboard alone, also those found by a search', async () => {
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    await user.type(screen.getByRole('searchbox', { name: 'Search files' }), 'CONFIG');
    const list = screen.getByRole('listbox', { name: 'Files' });
    expect(within(list).getAllByRole('option')).toHaveLength(1);
    list.focus();
    await user.keyboard(' ');
    expect(screen.getByText(/2 of 3 files selected/)).toBeTruthy();
    expect(file(/config.json/).getAttribute('aria-selected')).toBe('false');
    await user.clear(screen.getByRole('searchbox'));
    list.focus();
    await user.keyboard('{End}');
    expect(list.getAttribute('aria-activedescendant')).toBe(file(/pytorch_model.bin/).id);
  });

  it('uses the entered target, and the top level by a click', async () => {
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    await user.click(screen.getByRole('button', { name: 'Use Top Level of Bucket' }));
    expect(screen.getByText('Files are stored in s3://b/org/name/')).toBeTruthy();
    const target = screen.getByLabelText('Target folder in b');
    fireEvent.change(target, { target: { value: '' } });
    expect(screen.getByText('Files are stored in s3://b/')).toBeTruthy();
    fireEvent.change(target, { target: { value: 'served/one' } });
    await vi.waitFor(() => expect(server.planImport.mock.lastCall![0].prefix).toBe('served/one'));
    await user.click(button());
    expect(started().prefix).toBe('served/one');
  });

  it('looks up a revision selected from the list', async () => {
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    await vi.waitFor(() => expect(document.querySelector('option[value=v2]')).toBeTruthy());
    // Browsers send this event for a selected entry of the list.
    fireEvent.input(screen.getByLabelText('Revision'), {
      target: { value: 'v2' },
      inputType: 'insertReplacementText'
    });
    await vi.waitFor(() => expect(server.getHubRepo.mock.lastCall![1].revision).toBe('v2'));
  });

  it('never imports the result for another name', async () => {
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    fireEvent.change(repository(), { target: { value: 'org/other' } });
    fireEvent.keyDown(repository(), { key: 'Enter' });
    expect(server.importFromHub).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(server.getHubRepo.mock.lastCall![0]).toBe('org/other'));
  });

  it('explains how to access a gated repository', async () => {
    server.getHubRepo.mockResolvedValue(hubRepo({ gated: true, accessible: false }));
    await user.type(repository(), 'org/name{Enter}');
    expect((await screen.findByRole('alert')).textContent).toMatch(/accept the license/);
    const link = screen.getByRole<HTMLAnchorElement>('link', { name: 'Open repository page' });
    expect([link.href, link.rel]).toEqual(['https://hub/org/name', 'noopener noreferrer']);
    expect(button().disabled).toBe(true);
    server.getHubRepo.mockResolvedValue(hubRepo({ gated: true }));
    await user.type(screen.getByLabelText('Token for this import only'), 'hf_secret{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    await user.click(button());
    expect(started().token).toBe('hf_secret');
  });

  it("stays open and shows the server's message when the import is refused", async () => {
    server.importFromHub.mockRejectedValue(new ApiError('Conflict', 'It differs.', 409));
    await user.type(repository(), 'org/name{Enter}');
    await screen.findByText(/3 of 3 files selected/);
    await user.click(button());
    expect((await screen.findByRole('alert')).textContent).toContain('It differs.');
    expect(onStarted).not.toHaveBeenCalled();
    expect(button().disabled).toBe(false);
  });
});
