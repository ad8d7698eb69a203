import { TextItem } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';

import type { TransfersModel } from './transfers';
import type { UploadsModel } from './uploads';
import { useSignal } from './views/hooks';

export interface IStatusProps {
  transfers: TransfersModel;
  uploads: UploadsModel;
  onClick: () => void;
  trans: TranslationBundle;
}

export function activeCount({
  transfers,
  uploads
}: Pick<IStatusProps, 'transfers' | 'uploads'>): number {
  return transfers.activeCount + uploads.batches.filter(batch => batch.active).length;
}

/** How many transfers go on; it leads to them. */
export function createStatusItem(props: IStatusProps): ReactWidget {
  return ReactWidget.create(<Status {...props} />);
}

function Status(props: IStatusProps): JSX.Element {
  const { transfers, uploads, trans } = props;
  useSignal(transfers.stateChanged);
  useSignal(uploads.stateChanged);
  const count = activeCount(props);
  const text = trans._n('%1 transfer', '%1 transfers', count);
  return <TextItem source={text} title={trans.__('Show object storage')} onClick={props.onClick} />;
}
