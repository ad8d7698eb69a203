import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState } from 'react';

import { formatSize } from '../../format';
import type { Transfer, TransferFile } from '../../tokens';
import { TransferFilesModel } from '../../transfers/transferfiles';
import type { IBrowserActions } from '../actions';
import { useSignal } from '../hooks';

export interface ITransferFilesProps {
  transfer: Transfer;
  actions: Pick<IBrowserActions, 'listTransferFiles'>;
  trans: TranslationBundle;
}

/** The files of a transfer, loaded while they are shown. */
export function TransferFiles(props: ITransferFilesProps): JSX.Element | null {
  const { transfer, actions } = props;
  const [model, setModel] = useState<TransferFilesModel | null>(null);
  useEffect(() => {
    const made = new TransferFilesModel({
      list: window => actions.listTransferFiles(transfer.id, window)
    });
    setModel(made);
    return () => made.dispose();
  }, [actions, transfer.id]);
  useEffect(() => model?.update(transfer), [model, transfer]);
  return model && <FileList {...props} model={model} />;
}

function FileList({
  model,
  transfer,
  trans
}: ITransferFilesProps & { model: TransferFilesModel }): JSX.Element {
  useSignal(model.stateChanged);
  const { files, more, loaded, error } = model;
  if (error) {
    return (
      <div className="odhtec-Progress-error" role="alert">
        {error.message}
      </div>
    );
  }
  if (!files.length) {
    return (
      <div className="odhtec-Progress-facts">
        {loaded ? trans.__('No files') : trans.__('Loading…')}
      </div>
    );
  }
  return (
    <>
      <ul
        className="odhtec-Files"
        aria-label={trans.__('Files of %1', transfer.source)}
        // Scrolled by the arrow keys.
        tabIndex={0}
      >
        {files.map(file => (
          <li key={file.path} title={file.target}>
            <span className="odhtec-Files-path">{file.path}</span>
            <span className="odhtec-Files-state">{stateText(file, trans)}</span>
            {file.error && <span className="odhtec-Progress-error">{file.error.message}</span>}
          </li>
        ))}
      </ul>
      {more > 0 && (
        <button type="button" className="odhtec-LinkButton" onClick={() => model.showMore()}>
          {trans.__('Show More (%1 left)', more.toLocaleString())}
        </button>
      )}
    </>
  );
}

function stateText(
  { state, size, bytesDone, isRemoval }: TransferFile,
  trans: TranslationBundle
): string | null {
  switch (state) {
    case 'failed':
      return trans.__('Failed');
    case 'running':
      return size
        ? `${Math.floor((Math.min(bytesDone, size) / size) * 100)}%`
        : trans.__('Running');
    case 'queued':
      return trans.__('Waiting');
    case 'skipped':
      return trans.__('Skipped');
    case 'cancelled':
      return trans.__('Cancelled');
    default:
      if (isRemoval) {
        return trans.__('Removed');
      }
      return size === null ? trans.__('Completed') : formatSize(size);
  }
}
