import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import { Deferred, hubRepo, plan, transfer } from '../testing/fakes';
import type { HubRepo } from '../tokens';
import { ImportModel } from './importmodel';

describe('ImportModel', () => {
  const server = {
    getHubRepo: vi.fn<ImportModel.IServer['getHubRepo']>(),
    getHubRefs: vi.fn<ImportModel.IServer['getHubRefs']>(),
    getHubSettings: vi.fn<ImportModel.IServer['getHubSettings']>(),
    planImport: vi.fn<ImportModel.IServer['planImport']>(),
    importFromHub: vi.fn<ImportModel.IServer['importFromHub']>()
  };
  const make = (prefix = '') =>
    new ImportModel({ server, bucket: 'b', prefix, sleep: async () => undefined });
  const planned = async (model: ImportModel) =>
    vi.waitFor(() => expect(model.plan ?? model.planError).toBeTruthy());

  beforeEach(() => {
    vi.resetAllMocks();
    server.getHubRepo.mockResolvedValue(hubRepo());
    server.getHubRefs.mockResolvedValue({ branches: [], tags: [] });
    server.getHubSettings.mockResolvedValue({
      hfEndpoint: 'https://hub/',
      hfTokenSet: false,
      hfTokenFrom: null
    });
    server.planImport.mockResolvedValue(plan('s3://b/org/name/', { create: 3 }));
    server.importFromHub.mockResolvedValue(transfer());
  });

  it('compares the repository with the bucket, and imports the commit that was shown', async () => {
    const model = make('folder/');
    server.planImport.mockResolvedValue(
      plan('s3://b/folder/org/name/', { create: 1, skip: 1, conflict: 1 }, [
        ['model.safetensors', 'conflict'],
        ['pytorch_model.bin', 'skip'],
        ['sub/config.json', 'create']
      ])
    );
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    await planned(model);
    expect(model.target).toBe('s3://b/folder/org/name/');
    expect(model.statusOf('model.safetensors')).toBe('differs');
    expect(model.statusOf('pytorch_model.bin')).toBe('identical');
    expect(model.statusOf('sub/config.json')).toBe('new');
    expect(model.asksConflict).toBe(true);
    model.setOnConflict('overwrite');
    await model.start();
    expect(server.importFromHub).toHaveBeenCalledWith({
      repo: 'org/name',
      repoType: 'model',
      revision: '0123456789',
      bucket: 'b',
      prefix: 'folder/org/name',
      onConflict: 'overwrite'
    });
  });

  it('uses repository, revision and files of a pasted address', async () => {
    const model = make();
    server.getHubRepo.mockResolvedValueOnce(
      hubRepo({ repoType: 'dataset', revision: 'v1', chosen: ['sub/'] })
    );
    model.setQuery({ repo: 'https://huggingface.co/datasets/org/name/tree/v1/sub' });
    await model.lookUp();
    expect(model.query).toMatchObject({
      repo: 'org/name',
      repoType: 'dataset',
      revision: 'v1'
    });
    expect([...model.chosen]).toEqual(['sub/config.json']);
    // After the repository name replaces the address, the selection is kept.
    model.setQuery({ token: 't' });
    await model.lookUp();
    expect([...model.chosen]).toEqual(['sub/config.json']);
    model.setQuery({ repo: 'org/other' });
    expect(model.choice.include).toEqual([]);
  });

  it('deletes leftovers of another revision only if the user agreed to it for this plan', async () => {
    const model = make();
    const objects = [{ key: 'org/name/old.bin', size: 5, ETag: '"e"', commit: 'c0ffee' }];
    server.planImport.mockResolvedValue({
      ...plan('s3://b/org/name/', { create: 3 }),
      remaining: { objects, commits: ['c0ffee'], bytesTotal: 5, isTruncated: false }
    });
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    await planned(model);
    expect(model.plan!.remaining!.objects).toEqual(objects);
    await model.start();
    expect(server.importFromHub.mock.lastCall![0]).not.toHaveProperty('remove');
    model.setRemoveRemaining(true);
    await model.start();
    expect(server.importFromHub.mock.lastCall![0].remove).toEqual(objects);
    // After a failed start, the plan is made again. The consent applies to the same objects, not to others.
    for (const [remains, agreed] of [
      [objects, true],
      [[{ ...objects[0], key: 'org/name/other.bin' }], false]
    ] as const) {
      const found = [...remains];
      server.importFromHub.mockRejectedValueOnce(new ApiError('SlowDown', 'no', 503));
      server.planImport.mockResolvedValue({
        ...plan('s3://b/org/name/', { create: 3 }),
        remaining: { objects: found, commits: ['c0ffee'], bytesTotal: 5, isTruncated: false }
      });
      expect(await model.start()).toBeNull();
      await vi.waitFor(() => expect(model.plan!.remaining!.objects).toBe(found));
      expect(model.removesRemaining).toBe(agreed);
    }
    model.setPrefix('elsewhere');
    await planned(model);
    expect(model.removesRemaining).toBe(false);
  });

  it('sends no choice without conflicts', async () => {
    const model = make();
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    await planned(model);
    expect(model.asksConflict).toBe(false);
    await model.start();
    expect(server.importFromHub.mock.lastCall![0].onConflict).toBe('fail');
  });

  it('asks about conflicts only if a selected file has one', async () => {
    const model = make();
    server.planImport.mockResolvedValue(
      plan('s3://b/org/name/', { create: 2, conflict: 1 }, [
        ['model.safetensors', 'create'],
        ['pytorch_model.bin', 'conflict'],
        ['sub/config.json', 'create']
      ])
    );
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    await planned(model);
    expect(model.asksConflict).toBe(true);
    model.choosePatterns(['*.safetensors', '*.json'], []);
    expect(model.asksConflict).toBe(false);
    model.chooseNew();
    expect([...model.chosen].sort()).toEqual(['model.safetensors', 'sub/config.json']);
  });

  it('treats files not named in the plan as unknown, unless all have the same status', async () => {
    const model = make();
    server.planImport.mockResolvedValue(
      plan('s3://b/org/name/', { create: 2, conflict: 1 }, [['model.safetensors', 'create']])
    );
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    await planned(model);
    expect(model.statusOf('sub/config.json')).toBe('unknown');
    expect(model.plan!.partial).toBe(true);
    expect(model.asksConflict).toBe(true);
    server.planImport.mockResolvedValue(plan('s3://b/x/', { create: 3 }, []));
    model.setPrefix('x');
    await planned(model);
    expect(model.statusOf('sub/config.json')).toBe('new');
    expect(model.plan!.partial).toBe(false);
  });

  it('never imports the result of another query', async () => {
    const model = make();
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    model.setQuery({ revision: 'v2' });
    expect(model.found).not.toBeNull();
    expect(model.ready).toBe(false);
    expect(await model.start()).toBeNull();
    model.setQuery({ repo: 'org/other' });
    expect(model.found).toBeNull();
    expect(server.importFromHub).not.toHaveBeenCalled();
  });

  it('ignores an outdated reply', async () => {
    const model = make();
    const slow = new Deferred<HubRepo>();
    server.getHubRepo.mockImplementationOnce((_, { signal }) => {
      signal!.addEventListener('abort', () => slow.reject(new Error('aborted')));
      return slow.promise;
    });
    model.setQuery({ repo: 'org/slow' });
    void model.lookUp();
    await vi.waitFor(() => expect(model.busy).toBe('looking'));
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    expect(model.found!.repo).toBe('org/name');
    expect(model.error).toBeNull();
  });

  it('copies a pasted address to the fields', async () => {
    const model = make();
    server.getHubRepo.mockResolvedValue(hubRepo({ repoType: 'dataset', revision: 'v2' }));
    model.setQuery({ repo: 'https://hub/datasets/org/name/tree/v2' });
    await model.lookUp();
    expect(model.query).toMatchObject({ repo: 'org/name', repoType: 'dataset', revision: 'v2' });
    expect(model.current).toBe(true);
    expect(model.pageUrl).toBe('https://hub/datasets/org/name');
  });

  it('asks for a token if one can help, and sends it with this import only', async () => {
    const model = make();
    server.getHubRepo.mockRejectedValueOnce(new ApiError('RepoNotFound', 'Not there.', 404));
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    expect(model.asksToken).toBe(true);
    model.setQuery({ token: 'hf_secret' });
    await model.lookUp();
    expect(server.getHubRepo.mock.lastCall![1].token).toBe('hf_secret');
    await model.start();
    expect(server.importFromHub.mock.lastCall![0].token).toBe('hf_secret');
  });

  it('has no link for an endpoint that is not a web address', async () => {
    server.getHubSettings.mockResolvedValue({
      hfEndpoint: 'javascript:alert(1)',
      hfTokenSet: false,
      hfTokenFrom: null
    });
    const model = make();
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    expect(model.pageUrl).toBeNull();
  });

  it('compares again after the import was refused for a conflict', async () => {
    const model = make();
    model.setQuery({ repo: 'org/name' });
    await model.lookUp();
    await planned(model);
    server.importFromHub.mockRejectedValueOnce(new ApiError('Conflict', 'It differs.', 409));
    server.planImport.mockResolvedValue(plan('s3://b/org/name/', { conflict: 3 }, []));
    expect(await model.start()).toBeNull();
    await vi.waitFor(() => expect(model.asksConflict).toBe(true));
    expect(model.error?.message).toBe('It differs.');
    expect(model.ready).toBe(true);
  });
});
