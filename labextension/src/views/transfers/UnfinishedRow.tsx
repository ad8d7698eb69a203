import type { TranslationBundle } from '@jupyterlab/translation';

import { s3Uri } from '../../api/keys';
import type { Upload } from '../../tokens';
import type { IBrowserActions } from '../actions';
import { ProgressRow } from './ProgressRow';
import { bytesText } from './TransferRow';

export interface IUnfinishedRowProps {
  upload: Upload;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** An interrupted upload. The browser does not remember its file, so the user has to select it again. */
export function UnfinishedRow({ upload, actions, trans }: IUnfinishedRowProps): JSX.Element {
  const { bucket, key, size, bytesDone } = upload;
  const fraction = size ? bytesDone / size : 0;
  const name = key.slice(key.lastIndexOf('/') + 1);
  // Without the file's date, it could be mistaken for another file of the same size.
  const resumable = upload.lastModified !== null;
  return (
    <ProgressRow
      title={trans.__('Upload %1', name)}
      tooltip={trans.__('Upload to %1', s3Uri(bucket, key))}
      fraction={fraction}
      state="paused"
      facts={[
        trans.__('Interrupted at %1%', Math.floor(fraction * 100)),
        bytesText(bytesDone, size, trans),
        resumable ? trans.__('choose the file again to continue') : null
      ]}
      error={null}
      buttons={null}
    >
      <div className="odhtec-Progress-actions">
        {resumable && (
          <button
            type="button"
            className="odhtec-LinkButton"
            aria-label={trans.__('Choose %1 again', name)}
            onClick={() => actions.chooseAgain(upload)}
          >
            {trans.__('Choose File…')}
          </button>
        )}
        <button
          type="button"
          className="odhtec-LinkButton"
          aria-label={trans.__('Discard the upload of %1', name)}
          onClick={() => actions.discardUpload(upload)}
        >
          {trans.__('Discard')}
        </button>
      </div>
    </ProgressRow>
  );
}
