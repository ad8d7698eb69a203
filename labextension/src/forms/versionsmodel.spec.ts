import { expect, it, vi } from 'vitest';

import { VersionsModel } from './versionsmodel';

it('restores and deletes exactly one version, then reloads', async () => {
  const version = (VersionId: string, IsLatest: boolean) => ({
    VersionId,
    IsLatest,
    LastModified: null,
    Size: 1,
    ETag: null,
    StorageClass: null,
    deleteMarker: false
  });
  const server = {
    listVersions: vi.fn<VersionsModel.IServer['listVersions']>().mockResolvedValue({
      versioning: 'Enabled',
      versions: [version('2', true), version('1', false)],
      nextContinuationToken: null,
      isTruncated: false
    }),
    restoreVersion: vi.fn(),
    deleteVersion: vi.fn(),
    viewUrl: vi.fn((bucket, key, id) => `view/${bucket}/${key}/${id}`),
    downloadUrl: vi.fn((bucket, key, id) => `download/${bucket}/${key}/${id}`)
  };
  const onChanged = vi.fn();
  const model = new VersionsModel({ server, bucket: 'b', key: 'k', onChanged });
  await vi.waitFor(() => expect(model.busy).toBeNull());
  expect(model.versions).toHaveLength(2);
  expect(model.url(model.versions[1], 'download')).toBe('download/b/k/1');
  await model.restore('1');
  expect(server.restoreVersion).toHaveBeenCalledWith('b', 'k', '1');
  model.askDelete('2');
  expect(model.pendingDelete).toBe('2');
  await model.remove('2');
  expect(server.deleteVersion).toHaveBeenCalledWith('b', 'k', '2');
  expect(model.pendingDelete).toBeNull();
  expect(onChanged).toHaveBeenCalledTimes(2);
  expect(server.listVersions).toHaveBeenCalledTimes(3);
});
