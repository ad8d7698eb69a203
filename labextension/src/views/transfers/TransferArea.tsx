import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useId, useState } from 'react';

import { isFinished, type TransfersModel } from '../../transfers/transfers';
import type { UnfinishedModel } from '../../uploads/unfinished';
import type { UploadsModel } from '../../uploads/uploads';
import type { IBrowserActions } from '../actions';
import { useSignal } from '../hooks';
import { TransferRow } from './TransferRow';
import { UnfinishedRow } from './UnfinishedRow';
import { UploadRow } from './UploadRow';

export interface ITransferAreaProps {
  transfers: TransfersModel;
  uploads: UploadsModel;
  unfinished: UnfinishedModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** All transfers and uploads, active or finished, below the list; hidden if there are none. */
export function TransferArea(props: ITransferAreaProps): JSX.Element | null {
  const { transfers, uploads, unfinished, actions, trans } = props;
  useSignal(transfers.stateChanged);
  useSignal(uploads.stateChanged);
  useSignal(unfinished.stateChanged);
  const id = useId();
  const [expanded, setExpanded] = useState(true);
  const all = transfers.transfers;
  const { batches } = uploads;
  const interrupted = unfinished.uploads;
  if (!all.length && !batches.length && !interrupted.length) {
    return null;
  }
  const active = transfers.activeCount + batches.filter(batch => batch.active).length;
  const Caret = expanded ? caretDownIcon : caretRightIcon;
  const clearFinished = () => {
    all.filter(isFinished).forEach(transfer => actions.removeTransfer(transfer.id));
    batches.filter(batch => !batch.active).forEach(batch => uploads.clear(batch.id));
  };
  return (
    <section className="odhtec-Transfers" aria-label={trans.__('Transfers')}>
      <div className="odhtec-Transfers-head">
        <button
          type="button"
          className="odhtec-Transfers-toggle"
          aria-expanded={expanded}
          aria-controls={id}
          onClick={() => setExpanded(!expanded)}
        >
          <Caret.react tag="span" aria-hidden="true" />
          {active ? trans.__('Transfers (%1 active)', active) : trans.__('Transfers')}
        </button>
        {active < all.length + batches.length && (
          <button
            type="button"
            className="odhtec-LinkButton"
            aria-label={trans.__('Clear finished transfers')}
            title={trans.__('Clear finished transfers')}
            onClick={clearFinished}
          >
            {trans.__('Clear')}
          </button>
        )}
      </div>
      <ul id={id} hidden={!expanded}>
        {batches.map(batch => (
          <UploadRow key={batch.id} batch={batch} uploads={uploads} trans={trans} />
        ))}
        {interrupted.map(upload => (
          <UnfinishedRow key={upload.uploadId} upload={upload} actions={actions} trans={trans} />
        ))}
        {all.map(transfer => (
          <TransferRow key={transfer.id} transfer={transfer} actions={actions} trans={trans} />
        ))}
      </ul>
    </section>
  );
}
