import type { TranslationBundle } from '@jupyterlab/translation';

import { formatSize } from '../../format';
import { s3Uri } from '../../api/keys';
import type { IRow } from '../../list/rows';
import type { Tally } from '../../list/sizecounter';
import { CopyButton } from '../controls/CopyButton';
import { Facts } from '../controls/Facts';
import { FormFoot } from '../controls/FormFooter';
import { useSignal } from '../hooks';

export interface ISumFormProps {
  bucket: string;
  rows: readonly IRow[];
  tally: Tally;
  onClose: () => void;
  trans: TranslationBundle;
}

/** How much a folder holds, or several rows together. */
export function SumForm({ bucket, rows, tally, onClose, trans }: ISumFormProps): JSX.Element {
  useSignal(tally.stateChanged);
  const folders = rows.filter(({ kind }) => kind === 'folder').length;
  const uri = rows.length === 1 ? s3Uri(bucket, rows[0].key) : null;
  return (
    <div className="odhtec-Form" aria-busy={tally.counting}>
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
          [trans.__('Objects'), tally.objects.toLocaleString()],
          [
            trans.__('Size'),
            trans.__('%1 (%2 bytes)', formatSize(tally.bytes), tally.bytes.toLocaleString())
          ]
        ]}
      />
      <FormFoot
        error={tally.error?.message}
        status={
          tally.counting
            ? trans.__('Counting…')
            : tally.complete
              ? trans.__('Counted.')
              : trans.__('Not all is counted.')
        }
        onClose={onClose}
        closeLabel={trans.__('Close')}
        trans={trans}
      >
        {!tally.complete && (
          <button
            type="button"
            className="jp-Dialog-button jp-mod-styled jp-mod-accept"
            onClick={() => (tally.counting ? tally.stop() : void tally.start())}
          >
            {tally.counting ? trans.__('Stop') : trans.__('Go on')}
          </button>
        )}
      </FormFoot>
    </div>
  );
}
