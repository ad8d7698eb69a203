import type { TranslationBundle } from '@jupyterlab/translation';
import type { FormEvent } from 'react';

import { s3Uri } from '../../api/keys';
import {
  EXPIRY_CHOICES_SECONDS,
  UNIT_SECONDS,
  type ShareModel,
  type Unit
} from '../../forms/sharemodel';
import { CopyButton } from '../controls/CopyButton';
import { Field } from '../controls/Field';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { useSignal } from '../hooks';

export interface IShareFormProps {
  model: ShareModel;
  onClose: () => void;
  trans: TranslationBundle;
}

/** A link to one object: what it allows and until when. */
export function ShareForm({ model, onClose, trans }: IShareFormProps): JSX.Element {
  useSignal(model.stateChanged);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void model.create();
  };
  return (
    <form className="odhtec-Form" onSubmit={submit} aria-busy={model.busy !== null}>
      <p className="odhtec-Form-what">{s3Uri(model.bucket, model.key)}</p>
      <Method model={model} trans={trans} />
      {model.method === 'PUT' && (
        <Field
          label={trans.__('Name of the uploaded file')}
          hint={trans.__('Stored as %1', s3Uri(model.bucket, model.key))}
        >
          <input
            className="jp-mod-styled"
            spellCheck={false}
            required
            value={model.name}
            onChange={event => model.setName(event.target.value)}
          />
        </Field>
      )}
      <Expiry model={model} trans={trans} />
      <Link model={model} trans={trans} />
      <FormFooter
        error={model.error?.message}
        onClose={onClose}
        closeLabel={model.link ? trans.__('Close') : trans.__('Cancel')}
        trans={trans}
      >
        <MainButton
          label={model.busy ? trans.__('Creating…') : trans.__('Create Link')}
          disabled={!model.ready || model.link !== null}
        />
      </FormFooter>
    </form>
  );
}

interface IPartProps {
  model: ShareModel;
  trans: TranslationBundle;
}

function Method({ model, trans }: IPartProps): JSX.Element {
  const radio = (method: 'GET' | 'PUT', label: string) => (
    <label className="odhtec-Form-check">
      <input
        type="radio"
        name="method"
        disabled={method === 'GET' && !model.exists}
        checked={model.method === method}
        onChange={() => model.setMethod(method)}
      />
      {label}
    </label>
  );
  return (
    <fieldset className="odhtec-Choice">
      <legend>{trans.__('Anyone with the link can')}</legend>
      {radio('GET', trans.__('download the object'))}
      {radio(
        'PUT',
        model.exists && model.name
          ? trans.__('upload a file here (replaces the existing object)')
          : trans.__('upload a file here')
      )}
    </fieldset>
  );
}

function Expiry({ model, trans }: IPartProps): JSX.Element {
  const units: Record<Unit, string> = {
    minutes: trans.__('minutes'),
    hours: trans.__('hours'),
    days: trans.__('days')
  };
  const custom = model.expiry === null;
  return (
    <div className="odhtec-Form-row">
      <Field label={trans.__('Expires after')}>
        <select
          className="jp-mod-styled"
          value={String(model.expiry)}
          onChange={({ target: { value } }) =>
            model.setExpiry(value === 'null' ? null : Number(value))
          }
        >
          {EXPIRY_CHOICES_SECONDS.map(seconds => (
            <option key={seconds} value={String(seconds)}>
              {seconds === null ? trans.__('custom') : spanText(seconds, trans)}
            </option>
          ))}
        </select>
      </Field>
      {custom && (
        <>
          <Field
            label={trans.__('Number')}
            error={model.seconds === null ? trans.__('S3 allows up to seven days.') : null}
          >
            <input
              className="jp-mod-styled"
              type="text"
              inputMode="decimal"
              value={model.number}
              onChange={event => model.setCustom(event.target.value, model.unit)}
            />
          </Field>
          <Field label={trans.__('Unit')}>
            <select
              className="jp-mod-styled"
              value={model.unit}
              onChange={event => model.setCustom(model.number, event.target.value as Unit)}
            >
              {(Object.keys(UNIT_SECONDS) as Unit[]).map(unit => (
                <option key={unit} value={unit}>
                  {units[unit]}
                </option>
              ))}
            </select>
          </Field>
        </>
      )}
    </div>
  );
}

function Link({ model, trans }: IPartProps): JSX.Element | null {
  const { link } = model;
  if (!link) {
    return null;
  }
  const until = new Date(link.expiresAt).toLocaleString();
  return (
    <section className="odhtec-Group" aria-label={trans.__('Link')}>
      <div className="odhtec-Form-row">
        <Field label={trans.__('Link')}>
          <input
            className="jp-mod-styled"
            readOnly
            autoFocus
            value={link.url}
            onFocus={event => event.target.select()}
          />
        </Field>
        <CopyButton text={link.url} trans={trans} />
      </div>
      <p role="status">
        {link.method === 'GET'
          ? trans.__(
              'Anyone with this link can download the object until %1, without logging in.',
              until
            )
          : trans.__(
              'Anyone with this link can upload this object until %1, without logging in. Use a PUT request, for example curl -T file "link".',
              until
            )}{' '}
        {link.mayEndEarlier
          ? trans.__(
              'It is signed with temporary credentials, so it stops working earlier if they expire first.'
            )
          : trans.__(
              'It cannot be revoked, but stops working when the access key that signed it is deleted.'
            )}
      </p>
    </section>
  );
}

function spanText(seconds: number, trans: TranslationBundle): string {
  if (seconds < UNIT_SECONDS.hours) {
    return trans._n('%1 minute', '%1 minutes', seconds / UNIT_SECONDS.minutes);
  }
  return seconds < UNIT_SECONDS.days
    ? trans._n('%1 hour', '%1 hours', seconds / UNIT_SECONDS.hours)
    : trans._n('%1 day', '%1 days', seconds / UNIT_SECONDS.days);
}
