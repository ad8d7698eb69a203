import type { OnConflict } from '../tokens';
import type { IUploadItem, UploadBatch } from './batch';

export interface IAnswer {
  choice: Exclude<OnConflict, 'fail'>;
  /** Whether to apply it to all files of the batch. */
  all: boolean;
}

/** Asks what to do with existing objects: one question at a time for a batch, and without occupying a slot. */
export class Conflicts {
  constructor(private readonly _options: Conflicts.IOptions) {}

  add(batch: UploadBatch, item: IUploadItem): void {
    batch.move(item, 'asking');
    if (!this._asking.has(batch)) {
      this._asking.add(batch);
      void this._ask(batch).finally(() => this._asking.delete(batch));
    }
  }

  private async _ask(batch: UploadBatch): Promise<void> {
    for (;;) {
      const item = batch.items.find(({ state }) => state === 'asking');
      if (!item) {
        return;
      }
      const answer =
        batch.policy === 'fail'
          ? await this._options.ask(batch, item, batch.filesTotal > 1)
          : { choice: batch.policy, all: false };
      // Cancelled while the question was open.
      if (item.state !== 'asking') {
        continue;
      }
      if (answer.all) {
        batch.policy = answer.choice;
      }
      this._options.onAnswer(batch, item, answer.choice);
    }
  }

  private readonly _asking = new Set<UploadBatch>();
}

export namespace Conflicts {
  export interface IOptions {
    ask(batch: UploadBatch, item: IUploadItem, more: boolean): Promise<IAnswer>;
    onAnswer(batch: UploadBatch, item: IUploadItem, choice: IAnswer['choice']): void;
  }
}
