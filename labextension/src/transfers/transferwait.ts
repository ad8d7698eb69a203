import { ApiError } from '../api/request';
import type { Transfer } from '../tokens';
import { isFinished, type TransfersModel } from './transfers';

/** Resolves when a transfer has completed; rejects with its error, or when it was cancelled. */
export function waitForCompletion(transfers: TransfersModel, started: Transfer): Promise<void> {
  transfers.add(started);
  return new Promise((resolve, reject) => {
    const check = () => {
      const transfer = transfers.transfers.find(({ id }) => id === started.id);
      if (transfer && !isFinished(transfer)) {
        return;
      }
      transfers.stateChanged.disconnect(check);
      if (transfer?.state === 'completed') {
        resolve();
      } else {
        const { code = 'Cancelled', message = 'The transfer was cancelled.' } =
          transfer?.error ?? {};
        reject(new ApiError(code, message, 409));
      }
    };
    transfers.stateChanged.connect(check);
    check();
  });
}
