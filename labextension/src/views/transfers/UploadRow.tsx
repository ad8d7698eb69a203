import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, refreshIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';

import { s3Uri } from '../../api/keys';
import { formatDuration, formatRate } from '../../format';
import type { UploadBatch } from '../../uploads/batch';
import type { UploadsModel } from '../../uploads/uploads';
import { IconButton } from '../controls/IconButton';
import { pauseIcon } from '../icons';
import { ProgressRow, type RowState } from './ProgressRow';
import { bytesText, filesText } from './TransferRow';

export interface IUploadRowProps {
  batch: UploadBatch;
  uploads: UploadsModel;
  trans: TranslationBundle;
}

export function UploadRow({ batch, uploads, trans }: IUploadRowProps): JSX.Element {
  const failed = batch.count('failed');
  const skipped = batch.count('skipped');
  const { active } = batch;
  const facts = [
    stateText(batch, trans),
    bytesText(batch.bytesDone, batch.bytesTotal, trans),
    batch.rate ? formatRate(batch.rate) : null,
    batch.eta !== null ? trans.__('%1 left', formatDuration(batch.eta, trans)) : null,
    filesText(batch.count('done') + skipped, batch.filesTotal, trans),
    skipped ? trans.__('%1 skipped', skipped) : null,
    failed ? trans.__('%1 failed', failed) : null,
    batch.retryReason && trans.__('retrying: %1', batch.retryReason)
  ];
  return (
    <ProgressRow
      title={uploadTitle(batch, trans)}
      tooltip={trans.__('Upload to %1', s3Uri(batch.bucket, batch.prefix))}
      fraction={batch.fraction}
      state={rowState(batch)}
      facts={facts}
      error={batch.error}
      buttons={
        // Pause and resume are one button, as are cancel and clear, so that the focus stays where it is.
        <>
          {failed > 0 && !batch.cancelled && (
            <IconButton
              key="retry"
              icon={refreshIcon}
              label={trans.__('Retry failed files')}
              onClick={() => uploads.retry(batch.id)}
            />
          )}
          {active && (
            <IconButton
              key="pause"
              icon={batch.paused ? runIcon : pauseIcon}
              label={batch.paused ? trans.__('Resume') : trans.__('Pause')}
              onClick={() => (batch.paused ? uploads.resume(batch.id) : uploads.pause(batch.id))}
            />
          )}
          <IconButton
            key="end"
            icon={active ? stopIcon : closeIcon}
            label={active ? trans.__('Cancel') : trans.__('Clear')}
            onClick={() => (active ? uploads.cancel(batch.id) : uploads.clear(batch.id))}
          />
        </>
      }
    />
  );
}

export function uploadTitle(batch: UploadBatch, trans: TranslationBundle): string {
  return batch.filesTotal === 1
    ? trans.__('Upload %1', batch.items[0].name)
    : trans.__('Upload %1 files', batch.filesTotal.toLocaleString());
}

function stateText(batch: UploadBatch, trans: TranslationBundle): string | null {
  if (batch.count('asking') > 0) {
    return trans.__('Waiting for your answer');
  }
  switch (rowState(batch)) {
    case 'paused':
      return trans.__('Paused');
    case 'cancelled':
      return trans.__('Cancelled');
    case 'failed':
      return trans.__('Failed');
    case 'completed':
      return trans.__('Completed');
    default:
      return null;
  }
}

function rowState(batch: UploadBatch): RowState {
  if (batch.active) {
    return batch.paused ? 'paused' : 'active';
  }
  if (batch.cancelled) {
    return 'cancelled';
  }
  return batch.count('failed') ? 'failed' : 'completed';
}
