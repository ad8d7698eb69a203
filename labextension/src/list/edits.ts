import type { BrowserModel } from './browser';
import type { IRow } from './rows';
import type { DeleteReply, DeleteRequest, KeyFailure, Transfer } from '../tokens';

/** What became of a deletion. */
export interface IRemoved {
  errors: KeyFailure[];
  /** Folders go in the background. */
  transfer?: Transfer;
}

/** What is made and deleted at the store, and shown where the browser is. */
export class Edits {
  constructor(
    private readonly _server: Edits.IServer,
    private readonly _model: BrowserModel
  ) {}

  async createBucket(name: string): Promise<void> {
    await this._server.createBucket(name);
    await this._model.open(name);
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

  /** Delete rows of the list that is shown: files exactly, folders with everything below them. */
  async remove(rows: readonly IRow[]): Promise<IRemoved> {
    const { bucket, prefix } = this._model;
    if (bucket === null) {
      return { errors: [] };
    }
    const keysOf = (kind: IRow['kind']) =>
      rows.filter(row => row.kind === kind).map(row => row.key);
    const keys = keysOf('file');
    const outcome = await this._server.deleteObjects(bucket, {
      keys,
      prefixes: keysOf('folder')
    });
    const errors = 'reply' in outcome ? outcome.reply.errors : [];
    if (this._model.shows(bucket, prefix)) {
      const left = new Set(errors.map(({ Key }) => Key));
      const gone = 'reply' in outcome ? keys.filter(key => !left.has(key)) : [];
      await this._model.refreshQuietly({ gone });
    }
    return 'transfer' in outcome ? { errors, transfer: outcome.transfer } : { errors };
  }
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
