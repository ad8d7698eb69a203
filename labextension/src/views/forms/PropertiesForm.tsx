import type { TranslationBundle } from '@jupyterlab/translation';
import type { FormEvent } from 'react';

import { s3Uri } from '../../api/keys';
import { formatSize } from '../../format';
import { HEADERS, type DetailsModel, type Header } from '../../forms/detailsmodel';
import type { VersionsModel } from '../../forms/versionsmodel';
import { Facts } from '../controls/Facts';
import { Field } from '../controls/Field';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { Tabs } from '../controls/Tabs';
import { useSignal } from '../hooks';
import { PairsEditor } from './PairsEditor';
import { VersionList } from './VersionList';

export interface IPropertiesFormProps {
  model: DetailsModel;
  versions: VersionsModel;
  onClose: () => void;
  trans: TranslationBundle;
}

/** The details of one object in S3; what S3 allows can be edited. */
export function PropertiesForm({
  model,
  versions,
  onClose,
  trans
}: IPropertiesFormProps): JSX.Element {
  useSignal(model.stateChanged);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void model.save();
  };
  return (
    <form className="odhtec-Form" onSubmit={submit} aria-busy={model.busy !== null}>
      <p className="odhtec-Form-what">{s3Uri(model.bucket, model.key)}</p>
      <Tabs
        label={trans.__('Properties')}
        tabs={[
          { label: trans.__('General'), content: <General model={model} trans={trans} /> },
          { label: trans.__('Metadata'), content: <Metadata model={model} trans={trans} /> },
          { label: trans.__('Versions'), content: <VersionList model={versions} trans={trans} /> }
        ]}
      />
      <FormFooter
        error={errorText(model, trans)}
        status={model.saved ? trans.__('Saved.') : busyText(model, trans)}
        onClose={onClose}
        closeLabel={trans.__('Close')}
        trans={trans}
      >
        {(model.outdated || (model.error && !model.details)) && (
          <MainButton label={trans.__('Reload')} onClick={() => void model.load()} />
        )}
        {model.details && (
          <MainButton
            label={trans.__('Save')}
            disabled={!model.dirty || model.badName !== null || model.busy !== null}
          />
        )}
      </FormFooter>
    </form>
  );
}

interface IPartProps {
  model: DetailsModel;
  trans: TranslationBundle;
}

function General({ model, trans }: IPartProps): JSX.Element | null {
  const { details } = model;
  if (!details) {
    return null;
  }
  const { Size: size, LastModified: time } = details;
  return (
    <Facts
      facts={[
        [trans.__('Size'), trans.__('%1 (%2 bytes)', formatSize(size), size.toLocaleString())],
        [trans.__('Type'), details.ContentType],
        [trans.__('Modified'), time && new Date(time).toLocaleString()],
        [trans.__('Storage class'), details.StorageClass],
        [trans.__('ETag'), details.ETag],
        [trans.__('Version'), details.VersionId]
      ]}
    />
  );
}

function Metadata({ model, trans }: IPartProps): JSX.Element | null {
  if (!model.details) {
    return null;
  }
  return (
    <div className="odhtec-Form">
      {HEADERS.map(name => (
        <Field key={name} label={headerName(name)}>
          <input
            className="jp-mod-styled"
            spellCheck={false}
            value={model.header(name)}
            onChange={event => model.setHeader(name, event.target.value)}
          />
        </Field>
      ))}
      <PairsEditor
        label={trans.__('Metadata')}
        pairs={model.metadata}
        onChange={pairs => model.setMetadata(pairs)}
        trans={trans}
      />
      {model.tags ? (
        <PairsEditor
          label={trans.__('Tags')}
          pairs={model.tags}
          onChange={pairs => model.setTags(pairs)}
          trans={trans}
        />
      ) : (
        <p>
          {trans.__('Tags are not available: the store does not support or does not show them.')}
        </p>
      )}
      <p className="odhtec-Field-hint">
        {trans.__(
          'Changing headers or metadata rewrites the object: its date changes, and a versioned bucket gets a new version. Changing tags does not.'
        )}
      </p>
    </div>
  );
}

/** Convert the name in S3's API (`ContentType`) to that of the header (`Content-Type`). */
function headerName(name: Header): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/, '-');
}

function errorText(model: DetailsModel, trans: TranslationBundle): string | null {
  if (model.outdated) {
    return trans.__(
      'Nothing was saved: the object has changed since you opened it. Reload to see it; your edits will be lost.'
    );
  }
  if (model.badName !== null) {
    return model.badName.trim()
      ? trans.__('Duplicate name “%1”.', model.badName)
      : trans.__('A name is missing.');
  }
  return model.error?.message ?? null;
}

function busyText({ busy }: DetailsModel, trans: TranslationBundle): string | null {
  return busy === 'loading' ? trans.__('Loading…') : busy === 'saving' ? trans.__('Saving…') : null;
}
