import { bucketAddress } from '../../api/bucketaddress';
import { chunks } from '../../api/chunks';
import type { DeleteReply, DeleteRequest, KeyFailure, Transfer } from '../../tokens';
import type { BrowserModel } from '../browser';
import type { IRow } from '../rows';

/** The result of a deletion. */
export interface IRemoved {
  errors: KeyFailure[];
  /** The transfer that deletes folders in the background. */
  transfer?: Transfer;
}

/** Creates and deletes buckets, folders and objects, and updates the list. */
export class Edits {
  constructor(
    private readonly _server: Edits.IServer,
    private readonly _model: BrowserModel
  ) {}

  /** Create a bucket in a connection, and open it. */
  async createBucket(name: string, connection = ''): Promise<void> {
    const address = bucketAddress({ connection, bucket: name });
    await this._server.createBucket(address);
    await this._model.open(address);
    await this._model.refresh();
  }

  async createFolder(name: string): Promise<void> {
    const { bucket, prefix } = this._model;
    if (bucket === null) {
      return;
    }
    const key = `${prefix}${name.replace(/\/$/, '')}/`;
    await this._server.createFolder(bucket, key);
    if (this._model.shows(bucket, prefix)) {
      await this._model.refresh(key);
    }
  }

  /** Delete rows of the list: files exactly, folders with everything in them. */
  async remove(rows: readonly IRow[]): Promise<IRemoved> {
    const { bucket, prefix } = this._model;
    if (bucket === null) {
      return { errors: [] };
    }
    const keysOf = (kind: IRow['kind']) =>
      rows.filter(row => row.kind === kind).map(row => row.key);
    const removed: IRemoved = { errors: [] };
    const gone: string[] = [];
    try {
      for (const which of requests(keysOf('file'), keysOf('folder'))) {
        const outcome = await this._server.deleteObjects(bucket, which);
        if ('transfer' in outcome) {
          removed.transfer = outcome.transfer;
        } else {
          const left = new Set(outcome.reply.errors.map(({ Key }) => Key));
          gone.push(...(which.keys ?? []).filter(key => !left.has(key)));
          removed.errors.push(...outcome.reply.errors);
        }
      }
    } finally {
      // Also if a later one of several requests failed, because the earlier ones are done.
      if (gone.length || removed.transfer || removed.errors.length) {
        await this._refresh(bucket, prefix, gone);
      }
    }
    return removed;
  }

  private async _refresh(bucket: string, prefix: string, gone: string[]): Promise<void> {
    if (this._model.shows(bucket, prefix)) {
      await this._model.refreshInBackground({ gone });
    }
  }
}

/** Split a deletion into as many requests as it needs. */
function requests(keys: readonly string[], prefixes: readonly string[]): DeleteRequest[] {
  if (chunks([...keys, ...prefixes]).length <= 1) {
    return [{ keys: [...keys], prefixes: [...prefixes] }];
  }
  return [
    ...chunks(keys).map(some => ({ keys: some, prefixes: [] })),
    ...chunks(prefixes).map(some => ({ keys: [], prefixes: some }))
  ];
}

export namespace Edits {
  export interface IServer {
    createBucket(name: string): Promise<void>;
    createFolder(bucket: string, prefix: string): Promise<unknown>;
    deleteObjects(
      bucket: string,
      which: DeleteRequest
    ): Promise<{ reply: DeleteReply } | { transfer: Transfer }>;
  }
}
