import type { TranslationBundle } from '@jupyterlab/translation';
import {
  caretDownIcon,
  caretRightIcon,
  closeIcon,
  copyIcon,
  refreshIcon,
  runIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import { useId, useState } from 'react';

import { formatDuration, formatRate, formatSize } from '../../format';
import type { Transfer } from '../../tokens';
import { isFinished } from '../../transfers/transfers';
import { visible } from '../../visible';
import type { IBrowserActions } from '../actions';
import { IconButton } from '../controls/IconButton';
import { pauseIcon } from '../icons';
import { ProgressRow, type RowState } from './ProgressRow';
import { TransferFiles } from './TransferFiles';

export interface ITransferRowProps {
  transfer: Transfer;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

export function TransferRow({ transfer, actions, trans }: ITransferRowProps): JSX.Element {
  const finished = isFinished(transfer);
  const moving = transfer.state === 'running';
  const { bytesDone, bytesTotal, filesDone, filesTotal, filesFailed, filesOmitted, rate, eta } =
    transfer;
  const { filesRemoved } = transfer;
  const id = useId();
  const [open, setOpen] = useState(false);
  const facts = [
    stateText(transfer, trans),
    transfer.action === 'delete' ? null : bytesText(bytesDone, bytesTotal, trans),
    moving && rate ? formatRate(rate) : null,
    moving && eta !== null ? trans.__('%1 left', formatDuration(eta, trans)) : null,
    filesText(filesDone, filesTotal, trans),
    filesFailed ? trans._n('%1 failed', '%1 failed', filesFailed) : null,
    filesOmitted
      ? trans._n('%1 hidden file skipped', '%1 hidden files skipped', filesOmitted)
      : null,
    filesRemoved ? trans._n('%1 old object removed', '%1 old objects removed', filesRemoved) : null
  ];
  return (
    <ProgressRow
      title={transferTitle(transfer, trans)}
      tooltip={visible(`${transfer.source} → ${transfer.target}`)}
      fraction={fractionOf(transfer)}
      state={rowState(transfer)}
      facts={facts}
      error={transfer.error?.message ?? null}
      lead={
        <IconButton
          icon={open ? caretDownIcon : caretRightIcon}
          label={trans.__('Files')}
          className="odhtec-mod-lead"
          expanded={open}
          controls={id}
          onClick={() => setOpen(!open)}
        />
      }
      buttons={
        // Pause and resume are one button, as are cancel and clear, so that the focus stays where it is.
        <>
          {transfer.state === 'completed' && transfer.target.startsWith('s3://') && (
            <IconButton
              icon={copyIcon}
              label={trans.__('Copy path %1', transfer.target)}
              onClick={() => actions.copyText(transfer.target)}
            />
          )}
          <ContinueButton transfer={transfer} actions={actions} trans={trans} />
          <IconButton
            icon={finished ? closeIcon : stopIcon}
            label={finished ? trans.__('Clear') : trans.__('Cancel')}
            onClick={() =>
              finished ? actions.removeTransfer(transfer.id) : actions.cancelTransfer(transfer.id)
            }
          />
        </>
      }
    >
      {transfer.needs === 'connection' && (
        <button type="button" className="odhtec-LinkButton" onClick={() => actions.settings()}>
          {trans.__('Connection Settings…')}
        </button>
      )}
      <div id={id} hidden={!open}>
        {open && <TransferFiles transfer={transfer} actions={actions} trans={trans} />}
      </div>
    </ProgressRow>
  );
}

/** Pause, resume or retry, depending on the state. */
function ContinueButton({ transfer, actions, trans }: ITransferRowProps): JSX.Element | null {
  const { id, state, filesFailed } = transfer;
  switch (state) {
    case 'queued':
    case 'running':
      return (
        <IconButton
          icon={pauseIcon}
          label={trans.__('Pause')}
          onClick={() => actions.pauseTransfer(id)}
        />
      );
    case 'paused':
      return (
        <IconButton
          icon={runIcon}
          label={trans.__('Resume')}
          onClick={() => actions.resumeTransfer(transfer)}
        />
      );
    case 'failed':
      return (
        <IconButton
          icon={refreshIcon}
          label={filesFailed ? trans.__('Retry failed files') : trans.__('Retry')}
          onClick={() => actions.retryTransfer(id)}
        />
      );
    default:
      return null;
  }
}

/** Return a title such as `Import org/name`, `Delete s3://bucket/folder/` or `Copy 12 items of s3://bucket/folder/`. */
export function transferTitle(transfer: Transfer, trans: TranslationBundle): string {
  const { action, namesTotal } = transfer;
  const source =
    namesTotal === null
      ? transfer.source
      : trans._n('%1 item of %2', '%1 items of %2', namesTotal, transfer.source);
  switch (action) {
    case 'import':
      // Remove the commit that the server has pinned.
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

function rowState({ state }: Transfer): RowState {
  return state === 'queued' || state === 'running' ? 'active' : state;
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
  // For a single file, the bytes say more.
  return total === 1
    ? null
    : trans.__('%1 of %2 files', done.toLocaleString(), total.toLocaleString());
}
