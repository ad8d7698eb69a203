import type { IRunningSessions } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Transfer } from '../../tokens';
import { isFinished, type TransfersModel } from '../../transfers/transfers';
import type { UploadBatch } from '../../uploads/batch';
import type { UploadsModel } from '../../uploads/uploads';
import { bucketIcon } from '../../views/icons';
import { transferTitle } from '../../views/transfers/TransferRow';
import { uploadTitle } from '../../views/transfers/UploadRow';

/** Active transfers and uploads in Lab's Running panel. */
export class RunningTransfers implements IRunningSessions.IManager {
  constructor(private readonly _options: RunningTransfers.IOptions) {
    const { transfers, uploads, trans } = _options;
    this.name = trans.__('Transfers');
    this.shutdownLabel = trans.__('Cancel Transfer');
    this.shutdownAllLabel = trans.__('Cancel All');
    this.shutdownAllConfirmationText = trans.__(
      'Cancel all transfers? Existing objects are not changed.'
    );
    transfers.stateChanged.connect(this._onChanged, this);
    uploads.stateChanged.connect(this._onChanged, this);
  }

  readonly name: string;
  readonly shutdownLabel: string;
  readonly shutdownAllLabel: string;
  readonly shutdownAllConfirmationText: string;

  get runningChanged(): ISignal<this, void> {
    return this._runningChanged;
  }

  running(): IRunningSessions.IRunningItem[] {
    return [
      ...this._batches.map(batch => this._item(uploadTitle(batch, this._options.trans), batch.id)),
      ...this._transfers.map(transfer =>
        this._item(transferTitle(transfer, this._options.trans), transfer.id)
      )
    ];
  }

  refreshRunning(): void {
    this._options.transfers.start();
  }

  /** Cancel everything. Lab has asked for confirmation. */
  shutdownAll(): void {
    this._batches.forEach(({ id }) => this._options.cancel(id));
    this._transfers.forEach(({ id }) => this._options.cancel(id));
  }

  private _item(title: string, id: string): IRunningSessions.IRunningItem {
    const { show, confirm, cancel } = this._options;
    return {
      icon: () => bucketIcon,
      label: () => title,
      labelTitle: () => title,
      open: show,
      shutdown: () => {
        void confirm(title).then(sure => {
          if (sure) {
            cancel(id);
          }
        });
      }
    };
  }

  private get _transfers(): readonly Transfer[] {
    return this._options.transfers.transfers.filter(transfer => !isFinished(transfer));
  }

  private get _batches(): readonly UploadBatch[] {
    return this._options.uploads.batches.filter(batch => batch.active);
  }

  /** Lab redraws its panel at each signal, so emit it only when the entries change, not at each progress. */
  private _onChanged(): void {
    const shown = JSON.stringify([...this._batches, ...this._transfers].map(({ id }) => id));
    if (shown !== this._shown) {
      this._shown = shown;
      this._runningChanged.emit();
    }
  }

  private readonly _runningChanged = new Signal<this, void>(this);
  private _shown = '[]';
}

export namespace RunningTransfers {
  export interface IOptions {
    transfers: TransfersModel;
    uploads: UploadsModel;
    show: () => void;
    confirm: (title: string) => Promise<boolean>;
    /** A transfer's or a batch's id. */
    cancel: (id: string) => void;
    trans: TranslationBundle;
  }
}
