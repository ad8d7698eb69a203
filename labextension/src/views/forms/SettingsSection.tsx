import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useId, useState, type FormEvent } from 'react';

import { ApiError } from '../../api/request';
import { Field } from '../controls/Field';

export interface ISettingField {
  name: string;
  label: string;
  placeholder?: string;
  /** A secret is never shown, only whether it is set. */
  secret?: { isSet: boolean };
  number?: { min: number; max: number; step?: 'any'; isOptional?: boolean };
}

/** Field names to texts; secrets are left out. */
export type SettingValues = Record<string, string>;

export interface ISettingsSectionProps {
  title: string;
  load: () => Promise<{ values: SettingValues; fields: ISettingField[] }>;
  /** Called with the changed fields only: others keep their value, and an empty text clears a field. */
  save: (changes: SettingValues) => Promise<void>;
  test?: (changes: SettingValues) => Promise<string>;
  trans: TranslationBundle;
}

interface IResult {
  good: boolean;
  text: string;
}

/** One group of settings with its own Save and Test buttons, and the server's reply. */
export function SettingsSection(props: ISettingsSectionProps): JSX.Element {
  const { title, load, trans } = props;
  const id = useId();
  const [loaded, setLoaded] = useState<{ values: SettingValues; fields: ISettingField[] } | null>(
    null
  );
  const [changes, setChanges] = useState<SettingValues>({});
  const [result, setResult] = useState<IResult | null>(null);
  const [busy, setBusy] = useState(false);

  const run = async (work: () => Promise<string>) => {
    setBusy(true);
    setResult(null);
    try {
      setResult({ good: true, text: await work() });
    } catch (reason) {
      setResult({ good: false, text: ApiError.from(reason).message });
    } finally {
      setBusy(false);
    }
  };

  useEffect(() => {
    let gone = false;
    load().then(
      values => !gone && setLoaded(values),
      reason => !gone && setResult({ good: false, text: ApiError.from(reason).message })
    );
    return () => {
      gone = true;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- read once; saving reads again
  }, []);

  const change = (name: string, text: string | undefined) => {
    setResult(null);
    setChanges(({ [name]: _, ...others }) =>
      text === undefined || text === loaded?.values[name] ? others : { ...others, [name]: text }
    );
  };

  const save = (event: FormEvent) => {
    event.preventDefault();
    void run(async () => {
      await props.save(changes);
      setChanges({});
      setLoaded(await load());
      return trans.__('Saved for this server session.');
    });
  };

  return (
    <form className="odhtec-Form" aria-labelledby={id} onSubmit={save}>
      <h3 id={id}>{title}</h3>
      {loaded?.fields.map(field => (
        <SettingInput
          key={field.name}
          field={field}
          value={changes[field.name] ?? loaded.values[field.name] ?? ''}
          cleared={changes[field.name] === ''}
          onChange={text => change(field.name, text)}
          trans={trans}
        />
      ))}
      <div className="odhtec-Form-buttons">
        <output
          className={`odhtec-Form-result ${result?.good === false ? 'odhtec-Form-error' : ''}`}
        >
          {result?.text}
        </output>
        {props.test && (
          <button
            type="button"
            className="jp-mod-styled jp-mod-reject"
            disabled={busy || !loaded}
            onClick={() => void run(() => props.test!(changes))}
          >
            {trans.__('Test')}
          </button>
        )}
        <button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          disabled={busy || Object.keys(changes).length === 0}
        >
          {trans.__('Save')}
        </button>
      </div>
    </form>
  );
}

interface ISettingInputProps {
  field: ISettingField;
  value: string;
  cleared: boolean;
  onChange: (text: string | undefined) => void;
  trans: TranslationBundle;
}

function SettingInput({ field, value, cleared, onChange, trans }: ISettingInputProps): JSX.Element {
  const { secret, number } = field;
  const state = !secret
    ? field.placeholder
    : cleared
      ? trans.__('Will be removed')
      : secret.isSet
        ? trans.__('Set (leave blank to keep)')
        : trans.__('Not set');
  return (
    <div className="odhtec-Form-row">
      <Field label={field.label}>
        <input
          className="jp-mod-styled"
          name={field.name}
          type={secret ? 'password' : number ? 'number' : 'text'}
          autoComplete={secret ? 'new-password' : 'off'}
          spellCheck={false}
          required={number !== undefined && !number.isOptional}
          min={number?.min}
          max={number?.max}
          step={number?.step}
          placeholder={state}
          value={value}
          // A secret entered and removed again is unchanged, not cleared.
          onChange={event =>
            onChange(secret && !event.target.value ? undefined : event.target.value)
          }
        />
      </Field>
      {secret?.isSet && (
        <button
          type="button"
          className="odhtec-LinkButton"
          aria-label={
            cleared ? trans.__('Keep %1', field.label) : trans.__('Remove %1', field.label)
          }
          onClick={() => onChange(cleared ? undefined : '')}
        >
          {cleared ? trans.__('Keep') : trans.__('Remove')}
        </button>
      )}
    </div>
  );
}
