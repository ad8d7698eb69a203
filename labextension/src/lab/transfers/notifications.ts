import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Transfer } from '../../tokens';
import type { UploadBatch } from '../../uploads/batch';
import { transferTitle } from '../../views/transfers/TransferRow';
import { uploadTitle } from '../../views/transfers/UploadRow';

const AUTO_CLOSE_MS = 5000;
/** Notifications with actions take longer to read. */
const AUTO_CLOSE_WITH_ACTIONS_MS = 15_000;

/** Notifies a user who does not see the panel, once for each transfer and each batch. */
export class TransferNotifications {
  constructor(private readonly _options: TransferNotifications.IOptions) {}

  transferEnded(transfer: Transfer): void {
    const { trans, retryTransfer } = this._options;
    const path = transfer.action === 'delete' ? null : bucketPath(transfer.target);
    this._notify(transferTitle(transfer, trans), transfer.state, {
      why: transfer.error?.message ?? null,
      retry: () => retryTransfer(transfer.id),
      path
    });
  }

  uploadEnded(batch: UploadBatch): void {
    const { trans, retryUpload } = this._options;
    const state = batch.cancelled ? 'cancelled' : batch.count('failed') ? 'failed' : 'completed';
    this._notify(uploadTitle(batch, trans), state, {
      why: batch.error,
      retry: () => retryUpload(batch.id),
      path: null
    });
  }

  private _notify(
    title: string,
    state: string,
    { why, retry, path }: { why: string | null; retry: () => void; path: string | null }
  ): void {
    const { trans, isWanted, show } = this._options;
    if (!isWanted()) {
      return;
    }
    const showing = { label: trans.__('Show'), callback: show };
    if (state === 'completed') {
      const copying = path && {
        label: trans.__('Copy Path'),
        caption: trans.__('Path in the bucket, as model servers expect it: %1', path),
        callback: () => Clipboard.copyToSystem(path)
      };
      Notification.success(trans.__('%1: completed', title), {
        // Without a duration, Lab only increases the counter of notifications.
        autoClose: copying ? AUTO_CLOSE_WITH_ACTIONS_MS : AUTO_CLOSE_MS,
        actions: copying ? [showing, copying] : [showing]
      });
    } else if (state === 'failed') {
      Notification.error(trans.__('%1: %2', title, why ?? trans.__('failed')), {
        autoClose: false,
        actions: [showing, { label: trans.__('Retry'), callback: retry }]
      });
    }
  }
}

/** Return the path in the bucket for a model server; null if the target is not in a bucket or is a whole bucket. */
function bucketPath(uri: string): string | null {
  return /^s3:\/\/[^/]+\/(.+?)\/?$/s.exec(uri)?.[1] ?? null;
}

export namespace TransferNotifications {
  export interface IOptions {
    /** Whether notifications are enabled and the panel is not visible. */
    isWanted: () => boolean;
    show: () => void;
    retryTransfer: (id: string) => void;
    /** A batch's id. */
    retryUpload: (id: string) => void;
    trans: TranslationBundle;
  }
}
