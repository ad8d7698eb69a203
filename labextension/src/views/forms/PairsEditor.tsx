import type { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon } from '@jupyterlab/ui-components';

import type { IPair } from '../../forms/detailsmodel';
import { IconButton } from '../controls/IconButton';

export interface IPairsEditorProps {
  /** The name of the list. */
  label: string;
  pairs: readonly IPair[];
  onChange: (pairs: readonly IPair[]) => void;
  trans: TranslationBundle;
}

/** Edits, adds and removes names and values. */
export function PairsEditor({ label, pairs, onChange, trans }: IPairsEditorProps): JSX.Element {
  const change = (index: number, part: Partial<IPair>) =>
    onChange(pairs.map((pair, at) => (at === index ? { ...pair, ...part } : pair)));
  return (
    <fieldset className="odhtec-Pairs">
      <legend>{label}</legend>
      {pairs.map(({ name, value }, index) => (
        <div key={index} className="odhtec-Pair">
          <input
            className="jp-mod-styled"
            spellCheck={false}
            aria-label={trans.__('Name %1', index + 1)}
            placeholder={trans.__('Name')}
            value={name}
            onChange={event => change(index, { name: event.target.value })}
          />
          <input
            className="jp-mod-styled"
            spellCheck={false}
            aria-label={trans.__('Value of %1', name || index + 1)}
            placeholder={trans.__('Value')}
            value={value}
            onChange={event => change(index, { value: event.target.value })}
          />
          <IconButton
            icon={deleteIcon}
            label={trans.__('Remove %1', name || index + 1)}
            onClick={() => onChange(pairs.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <button
        type="button"
        className="odhtec-LinkButton"
        onClick={() => onChange([...pairs, { name: '', value: '' }])}
      >
        {trans.__('Add')}
      </button>
    </fieldset>
  );
}
