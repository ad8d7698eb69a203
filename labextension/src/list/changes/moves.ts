import type { TranslationBundle } from '@jupyterlab/translation';

import { lastName, parentPrefix, s3Uri } from '../../api/keys';
import { ApiError } from '../../api/request';
import type { Transfer, TransferRequest } from '../../tokens';
import { isFinished, type TransfersModel } from '../../transfers/transfers';
import type { BrowserModel } from '../browser';
import type { IRow } from '../rows';
import type { ILocation, IRenamed, IStorage } from '../storage';
import type { IDragged } from './dragging';
import { groupByFolder } from './groupbyfolder';

const RENAMING = { action: 'copy', onConflict: 'rename' } as const;

/** A file or folder of Lab's file browser, by its path below the server's root. */
export interface IWorkspaceItem {
  path: string;
  isFolder: boolean;
}

/** Renames, moves and copies rows by transfers, also to and from the files of the server. */
export class Moves {
  constructor(private readonly _options: Moves.IOptions) {}

  /** Rename a row in its folder. An existing object with that name is not touched. */
  async rename(row: IRow, typed: string): Promise<void> {
    const { model, server, trans } = this._options;
    const bucket = model.bucket!;
    const name = row.kind === 'folder' ? typed.replace(/\/$/, '') : typed;
    if (!name || name === lastName(row.key)) {
      return;
    }
    if (name.includes('/')) {
      throw new ApiError(
        'BadRequest',
        trans.__('Names cannot contain a slash. To move an item to another folder, drag it there.'),
        400
      );
    }
    const key = `${parentPrefix(row.key)}${name}${row.kind === 'folder' ? '/' : ''}`;
    await this._requireFree(bucket, parentPrefix(row.key) + name);
    await this._start(
      server.startTransfer({
        action: 'move',
        source: s3Uri(bucket, row.key),
        target: s3Uri(bucket, key),
        onConflict: 'fail'
      }),
      { from: row.key, to: key }
    );
  }

  /** Return whether the rows can be moved there: not to their own folder, and no folder into itself. */
  canMove({ bucket, rows }: IDragged, target: ILocation): boolean {
    return (
      bucket !== target.bucket ||
      rows.every(
        ({ kind, key }) =>
          parentPrefix(key) !== target.prefix &&
          !(kind === 'folder' && target.prefix.startsWith(key))
      )
    );
  }

  async moveRows({ bucket, rows }: IDragged, target: ILocation, copies: boolean): Promise<void> {
    const action = copies ? 'copy' : 'move';
    const location = s3Uri(target.bucket, target.prefix);
    // Ask, because a folder may hold a million objects and a drop may be a mistake.
    const asks = rows.length > 1 || rows.some(({ kind }) => kind === 'folder');
    if (asks && !(await this._options.confirmMove(rows, location, copies))) {
      return;
    }
    await this._send({ action, onConflict: 'fail' }, s3Uri(bucket, ''), keysOf(rows), location);
  }

  /** Copy rows to a folder below the server's root, as in Lab's file browser. */
  async toWorkspace({ bucket, rows }: IDragged, path: string): Promise<void> {
    const folder = path === '' || path.endsWith('/') ? path : `${path}/`;
    await this._send(RENAMING, s3Uri(bucket, ''), keysOf(rows), `workspace://${folder}`);
  }

  async fromWorkspace(items: readonly IWorkspaceItem[], target: ILocation): Promise<void> {
    const paths = items.map(({ path, isFolder }) => `${path}${isFolder ? '/' : ''}`);
    await this._send(RENAMING, 'workspace://', paths, s3Uri(target.bucket, target.prefix));
  }

  private async _send(
    how: Pick<TransferRequest, 'action' | 'onConflict'>,
    base: string,
    keys: readonly string[],
    target: string
  ): Promise<void> {
    for (const { request } of groupByFolder(base, keys, target)) {
      await this._start(this._options.server.startTransfer({ ...how, ...request }));
    }
  }

  private async _start(started: Promise<Transfer>, renamed?: IRenamed): Promise<void> {
    const { transfers, onRenaming, onEnded } = this._options;
    const transfer = await started;
    if (renamed) {
      onRenaming(transfer.id, renamed);
    }
    const known = transfers.transfers.find(({ id }) => id === transfer.id);
    transfers.add(transfer);
    if (known && isFinished(known)) {
      // A small transfer may finish before its own reply arrives.
      onEnded(known);
    }
  }

  private async _requireFree(bucket: string, key: string): Promise<void> {
    const { server, trans } = this._options;
    const [object, folder] = await Promise.all([
      server.headObject(bucket, key),
      server.listObjects(bucket, `${key}/`, { maxKeys: 1 })
    ]);
    if (object || folder.objects.length || folder.prefixes.length) {
      throw new ApiError('Conflict', trans.__('%1 already exists.', lastName(key)), 409);
    }
  }
}

function keysOf(rows: readonly IRow[]): string[] {
  return rows.map(({ key }) => key);
}

export namespace Moves {
  export interface IServer extends Pick<IStorage, 'listObjects'> {
    startTransfer(what: TransferRequest): Promise<Transfer>;
    headObject(bucket: string, key: string): Promise<object | null>;
  }

  export interface IOptions {
    server: IServer;
    model: Pick<BrowserModel, 'bucket'>;
    transfers: Pick<TransfersModel, 'transfers' | 'add'>;
    confirmMove: (rows: readonly IRow[], target: string, copies: boolean) => Promise<boolean>;
    /** Called with the new key that a row will have after this transfer. */
    onRenaming: (id: string, renamed: IRenamed) => void;
    /** Called for a transfer that had finished before it was known here. */
    onEnded: (transfer: Transfer) => void;
    trans: TranslationBundle;
  }
}
