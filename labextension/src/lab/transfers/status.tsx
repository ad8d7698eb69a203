import { TextItem } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';

import { formatRate } from '../../format';
import { isFinished, type TransfersModel } from '../../transfers/transfers';
import type { UploadsModel } from '../../uploads/uploads';
import { useSignal } from '../../views/hooks';

export interface IStatusProps {
  transfers: TransfersModel;
  uploads: UploadsModel;
  onClick: () => void;
  trans: TranslationBundle;
}

type Models = Pick<IStatusProps, 'transfers' | 'uploads'>;

export function activeCount({ transfers, uploads }: Models): number {
  return transfers.activeCount + uploads.batches.filter(batch => batch.active).length;
}

/** Return the total progress from 0 to 1, or null if a size is not known, and the rate in bytes per second. */
export function progress({ transfers, uploads }: Models): {
  fraction: number | null;
  rate: number;
} {
  const going = transfers.transfers.filter(one => !isFinished(one) && one.action !== 'delete');
  const batches = uploads.batches.filter(batch => batch.active);
  const total = sum([...going, ...batches], ({ bytesTotal }) => bytesTotal ?? NaN);
  const done = sum([...going, ...batches], ({ bytesDone }) => bytesDone);
  return {
    // NaN if a size is not known, and zero if there are no bytes to transfer.
    fraction: total > 0 ? done / total : null,
    rate: sum([...going, ...batches], ({ rate }) => rate ?? 0)
  };
}

function sum<T>(all: readonly T[], amount: (one: T) => number): number {
  return all.reduce((so, one) => so + amount(one), 0);
}

/** Create the status bar item: the number and progress of active transfers. A click shows them. */
export function createStatusItem(props: IStatusProps): ReactWidget {
  return ReactWidget.create(<Status {...props} />);
}

function Status(props: IStatusProps): JSX.Element {
  const { transfers, uploads, trans } = props;
  useSignal(transfers.stateChanged);
  useSignal(uploads.stateChanged);
  const { fraction, rate } = progress(props);
  const count = activeCount(props);
  const parts = [
    trans._n('%1 transfer', '%1 transfers', count),
    fraction === null ? '' : trans.__('%1 %', Math.floor(fraction * 100)),
    rate ? formatRate(rate) : ''
  ];
  const text = parts.filter(Boolean).join(' · ');
  return <TextItem source={text} title={trans.__('Show Object Storage')} onClick={props.onClick} />;
}
