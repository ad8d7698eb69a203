import { beforeEach, describe, expect, it, vi } from 'vitest';

import { page, trans, transfer } from '../../testing/fakes';
import type { Transfer, TransferRequest } from '../../tokens';
import type { IRow } from '../rows';
import { Moves } from './moves';

const file = (key: string): IRow => ({ kind: 'file', key, name: key });
const folder = (key: string): IRow => ({ kind: 'folder', key, name: key });

describe('Moves', () => {
  let taken: string[];
  let known: Transfer[];
  let moves: Moves;
  const started: TransferRequest[] = [];
  const confirmMove = vi.fn(async () => true);
  const onRenaming = vi.fn();
  const onEnded = vi.fn();

  beforeEach(() => {
    taken = [];
    known = [];
    started.length = 0;
    vi.clearAllMocks();
    moves = new Moves({
      server: {
        startTransfer: async what => {
          started.push(what);
          return transfer({ id: `t${started.length}`, state: 'queued' });
        },
        headObject: async (_, key) => (taken.includes(key) ? {} : null),
        listObjects: async (_, prefix) => page(taken.filter(key => key.startsWith(prefix)))
      },
      model: { bucket: 'b' },
      transfers: { transfers: known, add: () => undefined },
      confirmMove,
      onRenaming,
      onEnded,
      trans
    });
  });

  const pairs = () =>
    started.map(({ action, source, names, target }) =>
      names ? [action, source, names, target] : [action, source, target]
    );

  it('renames a file and a folder where they are, and never replaces', async () => {
    await moves.rename(file('d/a.txt'), 'b c.txt');
    await moves.rename(folder('d/x/'), 'y');
    expect(pairs()).toEqual([
      ['move', 's3://b/d/a.txt', 's3://b/d/b c.txt'],
      ['move', 's3://b/d/x/', 's3://b/d/y/']
    ]);
    expect(started.every(({ onConflict }) => onConflict === 'fail')).toBe(true);
    expect(onRenaming.mock.calls).toEqual([
      ['t1', { from: 'd/a.txt', to: 'd/b c.txt' }],
      ['t2', { from: 'd/x/', to: 'd/y/' }]
    ]);
  });

  it.each([
    ['an object', ['d/new']],
    ['a folder', ['d/new/inner']]
  ])('refuses the name of %s that exists', async (_, existing) => {
    taken = existing;
    await expect(moves.rename(file('d/a'), 'new')).rejects.toThrow('new already exists.');
    await expect(moves.rename(folder('d/a/'), 'new')).rejects.toThrow('new already exists.');
    expect(started).toEqual([]);
  });

  it('starts nothing for the same name, an empty one, or one with a slash', async () => {
    await moves.rename(file('d/a'), 'a');
    await moves.rename(folder('d/x/'), 'x/');
    await moves.rename(file('d/a'), '');
    await expect(moves.rename(file('d/a'), 'x/y')).rejects.toThrow('slash');
    expect(started).toEqual([]);
  });

  it('reports a transfer that ended before its own reply', async () => {
    known.push(transfer({ id: 't1', state: 'completed' }));
    await moves.rename(file('a'), 'b');
    expect(onEnded).toHaveBeenCalledWith(known[0]);
  });

  it('asks before moving a folder or many rows, and moves nothing without consent', async () => {
    await moves.moveRows({ bucket: 'b', rows: [file('a')] }, { bucket: 'b', prefix: 'd/' }, false);
    expect(confirmMove).not.toHaveBeenCalled();
    confirmMove.mockResolvedValueOnce(false);
    await moves.moveRows(
      { bucket: 'b', rows: [folder('x/')] },
      { bucket: 'b', prefix: 'd/' },
      false
    );
    expect(pairs()).toEqual([['move', 's3://b/a', 's3://b/d/a']]);
    await moves.moveRows(
      { bucket: 'b', rows: [folder('x/'), file('y')] },
      { bucket: 'c', prefix: '' },
      true
    );
    expect(pairs().slice(1)).toEqual([['copy', 's3://b/', ['x/', 'y'], 's3://c/']]);
  });

  it('moves no row to its own folder, and no folder into itself', () => {
    const can = (rows: IRow[], prefix: string, bucket = 'b') =>
      moves.canMove({ bucket: 'b', rows }, { bucket, prefix });
    expect(can([file('d/a')], 'd/')).toBe(false);
    expect(can([folder('d/')], 'd/')).toBe(false);
    expect(can([folder('d/')], 'd/e/')).toBe(false);
    expect(can([folder('d/')], 'dd/')).toBe(true);
    expect(can([folder('d/')], 'd/', 'c')).toBe(true);
  });

  it('copies to the workspace and from it', async () => {
    await moves.toWorkspace({ bucket: 'b', rows: [file('d/a'), folder('d/x/')] }, 'my work');
    await moves.fromWorkspace(
      [
        { path: 'n/one.ipynb', isFolder: false },
        { path: 'src', isFolder: true }
      ],
      { bucket: 'b', prefix: 'd/' }
    );
    expect(pairs()).toEqual([
      ['copy', 's3://b/d/', ['a', 'x/'], 'workspace://my work/'],
      ['copy', 'workspace://n/one.ipynb', 's3://b/d/one.ipynb'],
      ['copy', 'workspace://src/', 's3://b/d/src/']
    ]);
    expect(started.every(({ onConflict }) => onConflict === 'rename')).toBe(true);
  });
});
