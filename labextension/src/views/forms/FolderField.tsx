import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useState, type KeyboardEvent } from 'react';

import { DEFAULT_CONNECTION, named } from '../../api/bucketaddress';
import { crumbs } from '../../api/keys';
import type { FolderChooser } from '../../forms/folderchooser';
import { visible } from '../../visible';
import { Field } from '../controls/Field';
import { useSignal } from '../hooks';
import { FolderList } from './FolderList';

export interface IFolderFieldProps {
  chooser: FolderChooser;
  /** Why this folder is not a valid target. */
  error: string | null;
  trans: TranslationBundle;
}

/** Select a folder of any bucket: enter its path, or browse to it. */
export function FolderField({ chooser, error, trans }: IFolderFieldProps): JSX.Element {
  useSignal(chooser.stateChanged);
  const id = useId();
  return (
    <section className="odhtec-Group" aria-label={trans.__('Target')}>
      <ConnectionField chooser={chooser} trans={trans} />
      <div className="odhtec-Form-row">
        <Field label={trans.__('Bucket')}>
          <input
            className="jp-mod-styled"
            list={id}
            spellCheck={false}
            autoComplete="off"
            value={chooser.bucketName}
            onChange={event => chooser.typeBucket(event.target.value.trim())}
          />
        </Field>
        <datalist id={id}>
          {chooser.buckets.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Field label={trans.__('Folder')} className="odhtec-mod-wide" error={error}>
          <input
            className="jp-mod-styled"
            name="folder"
            spellCheck={false}
            autoComplete="off"
            placeholder={trans.__('Top level of the bucket')}
            value={chooser.text}
            onChange={event => chooser.type(event.target.value)}
          />
        </Field>
      </div>
      <FolderPath chooser={chooser} trans={trans} />
      <FolderList chooser={chooser} trans={trans} />
      {chooser.error && (
        <div className="odhtec-Form-error" role="alert">
          {chooser.error.message}
        </div>
      )}
      <div className="odhtec-Group-foot">
        <NewFolder chooser={chooser} trans={trans} />
        {chooser.hasMore && (
          <button
            type="button"
            className="odhtec-LinkButton"
            disabled={chooser.loading}
            onClick={() => void chooser.loadMore()}
          >
            {trans.__('Load More Folders')}
          </button>
        )}
      </div>
    </section>
  );
}

interface IPartProps {
  chooser: FolderChooser;
  trans: TranslationBundle;
}

/** Select the connection of the target. With one connection there is nothing to select. */
function ConnectionField({ chooser, trans }: IPartProps): JSX.Element | null {
  const { connection, connections } = chooser;
  const known = connections.some(({ name }) => named(name) === connection);
  if (connections.length + (known ? 0 : 1) < 2) {
    return null;
  }
  return (
    <Field label={trans.__('Connection')}>
      <select
        className="odhtec-Select"
        name="connection"
        value={connection}
        onChange={event => chooser.chooseConnection(event.target.value)}
      >
        {!known && <option value={connection}>{connection || DEFAULT_CONNECTION}</option>}
        {connections.map(({ name, title }) => (
          <option key={name} value={named(name)}>
            {visible(title || name)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function FolderPath({ chooser, trans }: IPartProps): JSX.Element {
  const { bucket, prefix } = chooser;
  const path = [{ name: chooser.bucketName, prefix: '' }, ...crumbs(prefix)];
  return (
    <nav className="odhtec-Way" aria-label={trans.__('Folder path')}>
      {path.map((crumb, index) => (
        <span key={crumb.prefix}>
          {index > 0 && <span aria-hidden="true">/</span>}
          <button
            type="button"
            className="odhtec-LinkButton"
            aria-current={crumb.prefix === prefix ? 'location' : undefined}
            onClick={() => chooser.open(bucket, crumb.prefix)}
          >
            {crumb.name}
          </button>
        </span>
      ))}
    </nav>
  );
}

/** In the form itself, because a second dialog would open only after this one is closed. */
function NewFolder({ chooser, trans }: IPartProps): JSX.Element {
  const [name, setName] = useState<string | null>(null);
  const create = () => {
    if (name?.trim()) {
      void chooser.create(name);
      setName(null);
    }
  };
  if (name === null) {
    return (
      <button type="button" className="odhtec-LinkButton" onClick={() => setName('')}>
        {trans.__('New Folder')}
      </button>
    );
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      event.stopPropagation();
      create();
    }
  };
  return (
    <span className="odhtec-NewFolder">
      <input
        className="jp-mod-styled"
        autoFocus
        spellCheck={false}
        aria-label={trans.__('Name of the new folder')}
        placeholder={trans.__('Name of the new folder')}
        value={name}
        onChange={event => setName(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="button"
        className="jp-mod-styled jp-mod-reject odhtec-Quick"
        disabled={!name.trim()}
        onClick={create}
      >
        {trans.__('Create')}
      </button>
    </span>
  );
}
