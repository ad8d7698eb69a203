import type { TranslationBundle } from '@jupyterlab/translation';

import { s3Uri } from '../../api/keys';
import { formatSize } from '../../format';
import type { IRow } from '../../list/rows';
import type { SizeCounter } from '../../list/sizecounter';
import { CopyButton } from '../controls/CopyButton';
import { Facts } from '../controls/Facts';
import { FormFooter } from '../controls/FormFooter';
import { useSignal } from '../hooks';

export interface ISizeFormProps {
  bucket: string;
  rows: readonly IRow[];
  counter: SizeCounter;
  onClose: () => void;
  trans: TranslationBundle;
}

/** The size of a folder, or of several rows together. */
export function SizeForm({ bucket, rows, counter, onClose, trans }: ISizeFormProps): JSX.Element {
  useSignal(counter.stateChanged);
  const folders = rows.filter(({ kind }) => kind === 'folder').length;
  const uri = rows.length === 1 ? s3Uri(bucket, rows[0].key) : null;
  return (
    <div className="odhtec-Form" aria-busy={counter.counting}>
      <div className="odhtec-Form-row odhtec-Form-what">
        <span>
          {uri ??
            trans.__(
              '%1, %2',
              trans._n('%1 folder', '%1 folders', folders),
              trans._n('%1 file', '%1 files', rows.length - folders)
            )}
        </span>
        {uri && <CopyButton text={uri} trans={trans} />}
      </div>
      <Facts
        facts={[
          [trans.__('Objects'), counter.objects.toLocaleString()],
          [
            trans.__('Size'),
            trans.__('%1 (%2 bytes)', formatSize(counter.bytes), counter.bytes.toLocaleString())
          ]
        ]}
      />
      <FormFooter
        error={counter.error?.message}
        status={
          counter.counting
            ? trans.__('Counting…')
            : counter.complete
              ? trans.__('Counting is complete.')
              : trans.__('Counting is not complete.')
        }
        onClose={onClose}
        closeLabel={trans.__('Close')}
        trans={trans}
      >
        {!counter.complete && (
          <button
            type="button"
            className="jp-Dialog-button jp-mod-styled jp-mod-accept"
            onClick={() => (counter.counting ? counter.stop() : void counter.start())}
          >
            {counter.counting ? trans.__('Stop') : trans.__('Continue')}
          </button>
        )}
      </FormFooter>
    </div>
  );
}
