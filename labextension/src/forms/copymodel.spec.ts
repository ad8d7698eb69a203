import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import type { IRow } from '../list/rows';
import { page, plan, transfer } from '../testing/fakes';
import type { TransferRequest } from '../tokens';
import { CopyModel } from './copymodel';

const beside: IRow[] = [
  { kind: 'file', key: 'a/one.txt', name: 'one.txt', size: 1 },
  { kind: 'folder', key: 'a/sub/', name: 'sub' }
];
/** Rows as a search finds them. */
const apart: IRow[] = [
  { kind: 'file', key: 'a/one.txt', name: 'one.txt', size: 1 },
  { kind: 'folder', key: 'a/x/sub/', name: 'x/sub' }
];

describe('CopyModel', () => {
  const server = {
    listBuckets: vi.fn<CopyModel.IServer['listBuckets']>(),
    listObjects: vi.fn<CopyModel.IServer['listObjects']>(),
    createFolder: vi.fn<CopyModel.IServer['createFolder']>(),
    planTransfer: vi.fn<CopyModel.IServer['planTransfer']>(),
    startTransfer: vi.fn<CopyModel.IServer['startTransfer']>()
  };
  const make = (action: 'copy' | 'move' = 'copy', rows = apart) =>
    new CopyModel({
      server,
      action,
      bucket: 'b',
      prefix: 'a/',
      rows,
      sleep: async () => undefined
    });
  const planned = (model: CopyModel) =>
    vi.waitFor(() => expect(model.plan ?? model.planError).toBeTruthy());

  beforeEach(() => {
    vi.resetAllMocks();
    server.listBuckets.mockResolvedValue({
      owner: null,
      defaultBucket: null,
      buckets: [{ Name: 'b' }, { Name: 'c' }],
      listable: true
    });
    server.listObjects.mockResolvedValue(page([], []));
    server.planTransfer.mockResolvedValue(plan('s3://c/', { create: 2 }));
    server.startTransfer.mockImplementation(async ({ source }: TransferRequest) =>
      transfer({ id: source })
    );
  });

  it('sends no request while the target is not valid', async () => {
    const model = make('copy', beside);
    expect(model.targetProblem).toBe('same');
    model.chooser.open('b', 'a/sub/deep/');
    expect(model.targetProblem).toBe('inside');
    model.chooser.open('', '');
    expect(model.targetProblem).toBe('nowhere');
    expect(model.ready).toBe(false);
    expect(server.planTransfer).not.toHaveBeenCalled();
    model.chooser.open('c', 'a/');
    expect(model.targetProblem).toBeNull();
    await planned(model);
    expect(model.ready).toBe(true);
  });

  it('groups rows of one folder in one transfer', async () => {
    const model = make('move', beside);
    model.chooser.open('c', 'x/');
    await planned(model);
    expect(server.planTransfer).toHaveBeenCalledOnce();
    expect(await model.start(() => undefined)).toBe(true);
    expect(server.startTransfer.mock.calls).toEqual([
      [
        {
          action: 'move',
          source: 's3://b/a/',
          names: ['one.txt', 'sub/'],
          target: 's3://c/x/',
          onConflict: 'fail'
        }
      ]
    ]);
    expect(model.rows).toEqual([]);
  });

  it('keeps the name of a folder and sums what all rows would do', async () => {
    const model = make('move');
    model.chooser.open('c', 'x/');
    await planned(model);
    expect(server.planTransfer.mock.calls.map(([what]) => what)).toEqual([
      {
        action: 'move',
        source: 's3://b/a/one.txt',
        target: 's3://c/x/one.txt',
        onConflict: 'fail'
      },
      { action: 'move', source: 's3://b/a/x/sub/', target: 's3://c/x/sub/', onConflict: 'fail' }
    ]);
    expect(model.plan).toMatchObject({ files: 4, bytes: 4000, conflicts: 0 });
    const started: string[] = [];
    expect(await model.start(({ id }) => started.push(id))).toBe(true);
    expect(started).toEqual(['s3://b/a/one.txt', 's3://b/a/x/sub/']);
    expect(server.startTransfer.mock.lastCall![0].onConflict).toBe('fail');
  });

  it('uses the choice for conflicts', async () => {
    server.planTransfer.mockResolvedValue(plan('s3://c/', { create: 1, conflict: 2 }));
    const model = make();
    model.chooser.open('c', '');
    await planned(model);
    expect(model.plan!.conflicts).toBe(4);
    expect(model.asksConflict).toBe(true);
    model.setOnConflict('rename');
    await model.start(() => undefined);
    expect(server.startTransfer.mock.lastCall![0].onConflict).toBe('rename');
  });

  it('does not start a transfer again after another one was refused', async () => {
    const model = make();
    model.chooser.open('c', '');
    await planned(model);
    server.startTransfer
      .mockResolvedValueOnce(transfer())
      .mockRejectedValueOnce(new ApiError('SlowDown', 'Later.', 503));
    expect(await model.start(() => undefined)).toBe(false);
    expect(model.error?.message).toBe('Later.');
    expect(model.rows.map(({ key }) => key)).toEqual(['a/x/sub/']);
    expect(await model.start(() => undefined)).toBe(true);
    const sources = server.startTransfer.mock.calls.map(([{ source }]) => source);
    expect(sources).toEqual(['s3://b/a/one.txt', 's3://b/a/x/sub/', 's3://b/a/x/sub/']);
  });

  it('uses the entered folder', async () => {
    const model = make();
    model.chooser.type('new/place');
    expect(model.target).toBe('s3://b/new/place/');
    await vi.waitFor(() => expect(model.chooser.isNew).toBe(true));
    server.createFolder.mockResolvedValue({});
    await model.chooser.create('sub');
    expect(server.createFolder).toHaveBeenCalledWith('b', 'new/place/sub/');
    expect(model.target).toBe('s3://b/new/place/sub/');
  });
});
