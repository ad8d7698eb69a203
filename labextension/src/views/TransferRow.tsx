import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, stopIcon } from '@jupyterlab/ui-components';

import type { IBrowserActions } from '../actions';
import { formatDuration, formatRate, formatSize } from '../format';
import type { Transfer } from '../tokens';
import { isFinished } from '../transfers';
import { IconButton } from './IconButton';
import { ProgressRow } from './ProgressRow';

export interface ITransferRowProps {
  transfer: Transfer;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

export function TransferRow({ transfer, actions, trans }: ITransferRowProps): JSX.Element {
  const finished = isFinished(transfer);
  const { bytesDone, bytesTotal, filesDone, filesTotal, filesFailed, rate, eta } = transfer;
  const facts = [
    stateText(transfer, trans),
    transfer.action === 'delete' ? null : bytesText(bytesDone, bytesTotal, trans),
    !finished && rate ? formatRate(rate) : null,
    !finished && eta !== null ? trans.__('%1 left', formatDuration(eta, trans)) : null,
    filesText(filesDone, filesTotal, trans),
    filesFailed ? trans._n('%1 failed', '%1 failed', filesFailed) : null
  ];
  return (
    <ProgressRow
      title={transferTitle(transfer, trans)}
      tooltip={`${transfer.source} → ${transfer.target}`}
      fraction={fractionOf(transfer)}
      state={rowState(transfer)}
      facts={facts}
      error={transfer.error?.message ?? null}
      buttons={
        finished ? (
          <IconButton
            icon={closeIcon}
            label={trans.__('Clear')}
            onClick={() => actions.removeTransfer(transfer.id)}
          />
        ) : (
          <IconButton
            icon={stopIcon}
            label={trans.__('Cancel')}
            onClick={() => actions.cancelTransfer(transfer.id)}
          />
        )
      }
    />
  );
}

/** `Import org/name`, `Delete s3://bucket/folder/`. */
export function transferTitle({ action, source }: Transfer, trans: TranslationBundle): string {
  switch (action) {
    case 'import':
      // The server pins the commit; forty digits of it tell nobody anything.
      return trans.__('Import %1', source.replace(/^hf:\/\/|@[0-9a-f]{40}$/g, ''));
    case 'delete':
      return trans.__('Delete %1', source);
    case 'move':
      return trans.__('Move %1', source);
    case 'sync':
      return trans.__('Sync %1', source);
    default:
      return trans.__('Copy %1', source);
  }
}

function stateText({ state }: Transfer, trans: TranslationBundle): string | null {
  switch (state) {
    case 'queued':
      return trans.__('Waiting');
    case 'paused':
      return trans.__('Paused');
    case 'completed':
      return trans.__('Completed');
    case 'failed':
      return trans.__('Failed');
    case 'cancelled':
      return trans.__('Cancelled');
    default:
      return null;
  }
}

function rowState({ state }: Transfer): 'active' | 'completed' | 'failed' | 'cancelled' {
  return state === 'completed' || state === 'failed' || state === 'cancelled' ? state : 'active';
}

function fractionOf({ bytesDone, bytesTotal, filesDone, filesTotal }: Transfer): number | null {
  if (bytesTotal) {
    return bytesDone / bytesTotal;
  }
  return filesTotal ? filesDone / filesTotal : null;
}

export function bytesText(
  done: number,
  total: number | null,
  trans: TranslationBundle
): string | null {
  if (total === null) {
    return done ? formatSize(done) : null;
  }
  return done === total
    ? formatSize(total)
    : trans.__('%1 of %2', formatSize(done), formatSize(total));
}

export function filesText(
  done: number,
  total: number | null,
  trans: TranslationBundle
): string | null {
  if (total === null) {
    return done ? trans._n('%1 file', '%1 files', done) : null;
  }
  if (done === total) {
    return trans._n('%1 file', '%1 files', total);
  }
  // Of a single file the bytes tell more.
  return total === 1
    ? null
    : trans.__('%1 of %2 files', done.toLocaleString(), total.toLocaleString());
}
