import type { TranslationBundle } from '@jupyterlab/translation';
import type { FormEvent } from 'react';

import type {
  AddressingStyle,
  ConnectionFlag,
  ConnectionModel,
  ConnectionText
} from '../../forms/connectionmodel';
import type { ConnectionSummary } from '../../tokens';
import { Field } from '../controls/Field';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { useSignal } from '../hooks';

export interface IConnectionFormProps {
  model: ConnectionModel;
  onAdded: (connection: ConnectionSummary) => void;
  onClose: () => void;
  trans: TranslationBundle;
}

/** A new connection, which is kept until the server stops. Keys are only written. */
export function ConnectionForm({
  model,
  onAdded,
  onClose,
  trans
}: IConnectionFormProps): JSX.Element {
  useSignal(model.stateChanged);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const added = await model.add();
    if (added) {
      onAdded(added);
    }
  };
  const part = { model, trans };
  const anonymous = model.flag('anonymous');
  return (
    <form
      className="odhtec-Form"
      autoComplete="off"
      aria-busy={!!model.busy}
      onSubmit={event => void submit(event)}
    >
      <Field label={trans.__('Store')} hint={model.preset?.help}>
        <select
          className="odhtec-Select"
          name="preset"
          value={model.preset?.id ?? ''}
          onChange={event => model.choosePreset(event.target.value)}
        >
          {model.presets.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </Field>
      <Text {...part} field="name" label={trans.__('Name')} hint={nameHint(model, trans)} />
      <Text {...part} field="title" label={trans.__('Title (optional)')} />
      <Text
        {...part}
        field="endpoint"
        label={trans.__('Endpoint')}
        placeholder={trans.__('Amazon S3')}
        hint={
          model.problem === 'placeholder'
            ? trans.__('Replace the part in <…> by a value of your own.')
            : undefined
        }
      />
      <Text {...part} field="region" label={trans.__('Region')} />
      <Text {...part} field="defaultBucket" label={trans.__('Bucket to open (optional)')} />
      <Check {...part} field="anonymous" label={trans.__('Without keys (public data)')} />
      {!anonymous && (
        <>
          <Text {...part} field="accessKeyId" label={trans.__('Access key ID')} />
          <Text {...part} field="secretAccessKey" label={trans.__('Secret access key')} secret />
          <Text
            {...part}
            field="sessionToken"
            label={trans.__('Session token (for temporary keys)')}
            secret
          />
        </>
      )}
      <Check {...part} field="readOnly" label={trans.__('Read-only')} />
      <Check {...part} field="requesterPays" label={trans.__('Accept the costs of requests')} />
      <Field label={trans.__('Bucket in addresses')}>
        <select
          className="odhtec-Select"
          name="addressingStyle"
          value={model.addressingStyle}
          onChange={event => model.setAddressingStyle(event.target.value as AddressingStyle)}
        >
          <option value="auto">{trans.__('Automatic')}</option>
          <option value="path">{trans.__('In the path')}</option>
          <option value="virtual">{trans.__('In the host name')}</option>
        </select>
      </Field>
      <FormFooter
        error={model.error?.message}
        status={trans.__('Kept until the server stops.')}
        onClose={onClose}
        trans={trans}
      >
        <MainButton
          label={model.busy ? trans.__('Adding…') : trans.__('Add')}
          disabled={!!model.busy || model.problem !== null}
        />
      </FormFooter>
    </form>
  );
}

interface IPartProps {
  model: ConnectionModel;
  trans: TranslationBundle;
  label: string;
}

function Text(
  props: IPartProps & {
    field: ConnectionText;
    hint?: string;
    placeholder?: string;
    secret?: boolean;
  }
): JSX.Element {
  const { model, field, label, hint, placeholder, secret } = props;
  return (
    <Field label={label} hint={hint}>
      <input
        className="jp-mod-styled"
        name={field}
        type={secret ? 'password' : 'text'}
        autoComplete={secret ? 'new-password' : 'off'}
        spellCheck={false}
        placeholder={placeholder}
        value={model.text(field)}
        onChange={event => model.setText(field, event.target.value)}
      />
    </Field>
  );
}

function Check({ model, field, label }: IPartProps & { field: ConnectionFlag }): JSX.Element {
  return (
    <label className="odhtec-Check-box">
      <input
        type="checkbox"
        name={field}
        checked={model.flag(field)}
        onChange={event => model.setFlag(field, event.target.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

function nameHint(model: ConnectionModel, trans: TranslationBundle): string {
  const name = model.text('name').trim();
  if (model.problem === 'taken') {
    return trans.__('There is already a connection named “%1”.', name);
  }
  return trans.__('Letters, digits, hyphens and underscores, as in s3://name@bucket/key');
}
