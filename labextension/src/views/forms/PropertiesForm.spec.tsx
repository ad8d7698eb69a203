import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/request';
import { DetailsModel } from '../../forms/detailsmodel';
import { VersionsModel } from '../../forms/versionsmodel';
import { details, trans } from '../../testing/fakes';
import { PropertiesForm } from './PropertiesForm';

describe('PropertiesForm', () => {
  const server = {
    getDetails: vi.fn<DetailsModel.IServer['getDetails']>(),
    setDetails: vi.fn<DetailsModel.IServer['setDetails']>(),
    listVersions: vi.fn<VersionsModel.IServer['listVersions']>(),
    restoreVersion: vi.fn<VersionsModel.IServer['restoreVersion']>(),
    deleteVersion: vi.fn<VersionsModel.IServer['deleteVersion']>(),
    viewUrl: () => '/view',
    downloadUrl: () => '/download'
  };
  const user = userEvent.setup();
  const save = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Save' });

  beforeEach(async () => {
    vi.resetAllMocks();
    server.getDetails.mockResolvedValue(details());
    const version = {
      IsLatest: false,
      Size: 5,
      ETag: null,
      StorageClass: null,
      deleteMarker: false
    };
    const LastModified = null;
    server.listVersions.mockResolvedValue({
      versioning: 'Enabled',
      versions: [
        { ...version, VersionId: 'new', IsLatest: true, LastModified },
        { ...version, VersionId: 'old', LastModified }
      ],
      nextContinuationToken: null,
      isTruncated: false
    });
    const where = { server, bucket: 'b', key: 'k' };
    const model = new DetailsModel(where);
    const versions = new VersionsModel({ ...where, onChanged: () => undefined });
    render(<PropertiesForm {...{ model, versions, trans }} onClose={() => undefined} />);
    await screen.findByText('1.0 kB (1,024 bytes)');
  });

  it('saves metadata and tags by keyboard alone', async () => {
    screen.getByRole('tab', { name: 'General' }).focus();
    await user.keyboard('{ArrowRight}');
    expect(document.activeElement!.textContent).toBe('Metadata');
    expect(save().disabled).toBe(true);
    await user.clear(screen.getByLabelText('Value of author'));
    await user.type(screen.getByLabelText('Value of author'), 'you');
    server.setDetails.mockResolvedValue(details({ Metadata: { author: 'you' } }));
    await user.keyboard('{Enter}');
    expect(await screen.findByText('Saved.')).toBeTruthy();
    expect(server.setDetails).toHaveBeenCalledWith('b', 'k', {
      etag: '"1"',
      Metadata: { author: 'you' }
    });
  });

  it('explains that the object was changed, and reads it again', async () => {
    await user.click(screen.getByRole('tab', { name: 'Metadata' }));
    await user.type(screen.getByLabelText('Cache-Control'), 'no-cache');
    server.setDetails.mockRejectedValueOnce(new ApiError('Conflict', 'Another one.', 409));
    await user.click(save());
    expect((await screen.findByRole('alert')).textContent).toMatch(/Nothing was saved.*Reload/);
    server.getDetails.mockResolvedValue(details({ CacheControl: 'private' }));
    await user.click(screen.getByRole('button', { name: 'Reload' }));
    await vi.waitFor(() =>
      expect(screen.getByLabelText<HTMLInputElement>('Cache-Control').value).toBe('private')
    );
  });

  it('restores a version, and deletes one only after confirmation', async () => {
    await user.click(screen.getByRole('tab', { name: 'Versions' }));
    await user.click(screen.getByRole('button', { name: 'Restore' }));
    expect(server.restoreVersion).toHaveBeenCalledWith('b', 'k', 'old');
    await user.click(screen.getAllByRole('button', { name: 'Delete' })[1]);
    expect(server.deleteVersion).not.toHaveBeenCalled();
    expect(screen.getByText(/permanently deleted/)).toBeTruthy();
    await user.keyboard('{Enter}');
    expect(server.deleteVersion).toHaveBeenCalledWith('b', 'k', 'old');
  });
});
