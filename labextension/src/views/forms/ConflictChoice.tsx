import type { TranslationBundle } from '@jupyterlab/translation';
import { useId } from 'react';

import type { OnConflict } from '../../tokens';

export interface IConflictChoiceProps {
  legend: string;
  value: OnConflict;
  onChange: (value: OnConflict) => void;
  trans: TranslationBundle;
}

/** The choice what to do with conflicting objects. */
export function ConflictChoice({
  legend,
  value,
  onChange,
  trans
}: IConflictChoiceProps): JSX.Element {
  const id = useId();
  const choices: [OnConflict, string][] = [
    ['skip', trans.__('Keep existing objects')],
    ['overwrite', trans.__('Replace existing objects')],
    ['rename', trans.__('Keep both (new names for the copies)')]
  ];
  return (
    <fieldset className="odhtec-Choice odhtec-mod-inline">
      <legend>{legend}</legend>
      {choices.map(([choice, label]) => (
        <label key={choice} className="odhtec-Form-check">
          <input
            type="radio"
            name={id}
            checked={value === choice}
            onChange={() => onChange(choice)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
