import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';

import type { UploadBatch } from '../batch';
import { formatDuration, formatRate } from '../format';
import { s3Uri } from '../keys';
import type { UploadsModel } from '../uploads';
import { IconButton } from './IconButton';
import { ProgressRow } from './ProgressRow';
import { bytesText, filesText } from './TransferRow';

export interface IUploadRowProps {
  batch: UploadBatch;
  uploads: UploadsModel;
  trans: TranslationBundle;
}

export function UploadRow({ batch, uploads, trans }: IUploadRowProps): JSX.Element {
  const failed = batch.count('failed');
  const skipped = batch.count('skipped');
  const facts = [
    stateText(batch, trans),
    bytesText(batch.bytesDone, batch.bytesTotal, trans),
    batch.rate ? formatRate(batch.rate) : null,
    batch.eta !== null ? trans.__('%1 left', formatDuration(batch.eta, trans)) : null,
    filesText(batch.count('done') + skipped, batch.filesTotal, trans),
    skipped ? trans.__('%1 skipped', skipped) : null,
    failed ? trans.__('%1 failed', failed) : null
  ];
  return (
    <ProgressRow
      title={title(batch, trans)}
      tooltip={trans.__('Upload to %1', s3Uri(batch.bucket, batch.prefix))}
      fraction={batch.fraction}
      state={rowState(batch)}
      facts={facts}
      error={batch.error}
      buttons={
        <>
          {failed > 0 && !batch.cancelled && (
            <IconButton
              icon={refreshIcon}
              label={trans.__('Retry failed files')}
              onClick={() => uploads.retry(batch.id)}
            />
          )}
          {batch.active ? (
            <IconButton
              icon={stopIcon}
              label={trans.__('Cancel')}
              onClick={() => uploads.cancel(batch.id)}
            />
          ) : (
            <IconButton
              icon={closeIcon}
              label={trans.__('Clear')}
              onClick={() => uploads.clear(batch.id)}
            />
          )}
        </>
      }
    />
  );
}

function title(batch: UploadBatch, trans: TranslationBundle): string {
  return batch.filesTotal === 1
    ? trans.__('Upload %1', batch.items[0].name)
    : trans.__('Upload %1 files', batch.filesTotal.toLocaleString());
}

function stateText(batch: UploadBatch, trans: TranslationBundle): string | null {
  if (batch.count('asking') > 0) {
    return trans.__('Waiting for your answer');
  }
  switch (rowState(batch)) {
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

function rowState(batch: UploadBatch): 'active' | 'completed' | 'failed' | 'cancelled' {
  if (batch.active) {
    return 'active';
  }
  if (batch.cancelled) {
    return 'cancelled';
  }
  return batch.count('failed') ? 'failed' : 'completed';
}
