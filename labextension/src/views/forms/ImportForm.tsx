import type { TranslationBundle } from '@jupyterlab/translation';
import { useId, useState, type KeyboardEvent } from 'react';

import { formatSize } from '../../format';
import type { ImportModel } from '../../forms/importmodel';
import type { RepoType, Transfer } from '../../tokens';
import { ExternalLink } from '../controls/ExternalLink';
import { Field } from '../controls/Field';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { useSignal } from '../hooks';
import { ConflictChoice } from './ConflictChoice';
import { ImportFiles } from './ImportFiles';
import { RepoSummary } from './RepoSummary';

/** The hub's default revision. */
const DEFAULT_REVISION = 'main';

export interface IImportFormProps {
  model: ImportModel;
  onStarted: (transfer: Transfer) => void;
  onClose: () => void;
  trans: TranslationBundle;
}

/** Look up a repository, then import it. Errors are shown in the form, in the server's words. */
export function ImportForm({ model, onStarted, onClose, trans }: IImportFormProps): JSX.Element {
  useSignal(model.stateChanged);
  const { found, busy, ready } = model;

  const start = async () => {
    const transfer = await model.start();
    if (transfer) {
      onStarted(transfer);
    }
  };
  // Do not use the form's own submission, which presses its first button; that is disabled when there is nothing to
  // look up.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
      event.preventDefault();
      if (busy === null) {
        void (model.current ? start() : model.lookUp());
      }
    }
  };

  return (
    <form
      className="odhtec-Form odhtec-ImportForm"
      onSubmit={event => event.preventDefault()}
      onKeyDown={onKeyDown}
      aria-busy={busy !== null}
    >
      <RepoFields model={model} trans={trans} />
      {found && (
        <div className={model.current ? '' : 'odhtec-mod-stale'}>
          <RepoSummary repo={found} url={model.pageUrl} trans={trans} />
        </div>
      )}
      <TokenField model={model} trans={trans} />
      {found?.accessible && (
        <>
          <ImportFiles model={model} trans={trans} />
          <Target model={model} trans={trans} />
          <Remaining model={model} trans={trans} />
        </>
      )}
      <FormFooter
        choice={<Conflict model={model} trans={trans} />}
        error={importError(model, trans)}
        status={busy === 'looking' ? trans.__('Looking up the repository…') : null}
        onClose={onClose}
        trans={trans}
      >
        <MainButton
          label={busy === 'starting' ? trans.__('Starting…') : trans.__('Start Import')}
          disabled={!ready}
          onClick={() => void start()}
        />
      </FormFooter>
    </form>
  );
}

interface IPartProps {
  model: ImportModel;
  trans: TranslationBundle;
}

function RepoFields({ model, trans }: IPartProps): JSX.Element {
  const { query, busy } = model;
  const looking = busy === 'looking';
  return (
    <div className="odhtec-Form-row">
      <Field label={trans.__('Repository')} className="odhtec-mod-wide">
        <input
          className="jp-mod-styled"
          name="repo"
          required
          autoFocus
          spellCheck={false}
          autoComplete="off"
          placeholder={trans.__('org/name or URL')}
          value={query.repo}
          onChange={event => model.setQuery({ repo: event.target.value })}
          onPaste={event => {
            const text = event.clipboardData.getData('text').trim();
            // Pasting a full name into an empty field looks it up immediately.
            if (!query.repo && text.includes('/')) {
              event.preventDefault();
              model.setQuery({ repo: text });
              void model.lookUp();
            }
          }}
        />
      </Field>
      <Field label={trans.__('Type')}>
        <select
          className="jp-mod-styled"
          value={query.repoType}
          onChange={event => model.setQuery({ repoType: event.target.value as RepoType })}
        >
          <option value="model">{trans.__('Model')}</option>
          <option value="dataset">{trans.__('Dataset')}</option>
          <option value="space">{trans.__('Space')}</option>
        </select>
      </Field>
      <Revision model={model} trans={trans} />
      <button
        type="button"
        className="jp-mod-styled jp-mod-reject"
        disabled={!looking && (!query.repo.trim() || busy !== null || model.current)}
        onClick={() => (looking ? model.cancelLookup() : void model.lookUp())}
      >
        {looking ? trans.__('Stop') : trans.__('Look Up')}
      </button>
    </div>
  );
}

/** Selected from the branches and tags once they are known, or entered. */
function Revision({ model, trans }: IPartProps): JSX.Element {
  const id = useId();
  const { branches = [], tags = [] } = model.refs ?? {};
  const names = [...branches, ...tags].map(({ name }) => name);
  return (
    <Field label={trans.__('Revision')}>
      <input
        className="jp-mod-styled"
        spellCheck={false}
        autoComplete="off"
        list={id}
        placeholder={model.found?.revision ?? DEFAULT_REVISION}
        value={model.query.revision}
        onChange={event => {
          const revision = event.target.value;
          model.setQuery({ revision });
          // Selected from the list, so do not wait for Enter.
          const { inputType } = event.nativeEvent as InputEvent;
          const isChosen = inputType === undefined || inputType === 'insertReplacementText';
          if (isChosen && names.includes(revision)) {
            void model.lookUp();
          }
        }}
      />
      <datalist id={id}>
        {branches.map(({ name }) => (
          <option key={`b/${name}`} value={name} label={trans.__('branch')} />
        ))}
        {tags.map(({ name }) => (
          <option key={`t/${name}`} value={name} label={trans.__('tag')} />
        ))}
      </datalist>
    </Field>
  );
}

function TokenField({ model, trans }: IPartProps): JSX.Element {
  const [open, setOpen] = useState(false);
  if (!open && !model.asksToken) {
    return (
      <div>
        <button type="button" className="odhtec-LinkButton" onClick={() => setOpen(true)}>
          {trans.__('Use Token for This Import')}
        </button>
      </div>
    );
  }
  return (
    <Field
      label={trans.__('Token for this import only')}
      hint={trans.__('Sent with this import only, and not stored.')}
    >
      <input
        className="jp-mod-styled"
        type="password"
        autoComplete="off"
        autoFocus={open}
        value={model.query.token}
        onChange={event => model.setQuery({ token: event.target.value })}
      />
    </Field>
  );
}

function Target({ model, trans }: IPartProps): JSX.Element {
  const { bucket, startFolder: folder } = model;
  return (
    <div>
      <Field
        label={trans.__('Target folder in %1', bucket)}
        hint={trans.__('Files are stored in %1', model.target)}
      >
        <input
          className="jp-mod-styled"
          spellCheck={false}
          placeholder={trans.__('Top level of the bucket')}
          value={model.prefix}
          onChange={event => model.setPrefix(event.target.value)}
        />
      </Field>
      {folder && (
        <button
          type="button"
          className="odhtec-LinkButton"
          onClick={() => model.setBase(model.base ? '' : folder)}
        >
          {model.base ? trans.__('Use Top Level of Bucket') : trans.__('Use Folder %1', folder)}
        </button>
      )}
    </div>
  );
}

/** Further names are only counted. */
const MAX_NAMES = 5;

/** Objects that an import of another revision left at the target; a model server would load both. */
function Remaining({ model, trans }: IPartProps): JSX.Element | null {
  const remaining = model.current ? model.plan?.remaining : null;
  if (!remaining) {
    return null;
  }
  const { objects, bytesTotal, commits, isTruncated } = remaining;
  if (objects.length === 0) {
    return (
      <p className="odhtec-Field-hint">
        {trans.__('Not all objects of the folder were compared. Some may be from other revisions.')}
      </p>
    );
  }
  const revisions = commits.map(commit => commit.slice(0, 7)).join(', ');
  const more = objects.length - MAX_NAMES;
  return (
    <fieldset className="odhtec-Choice odhtec-Remaining">
      <legend>
        {trans._n(
          'One object is left over from revision %2 (%3)',
          '%1 objects are left over from revision %2 (%3)',
          objects.length,
          revisions,
          formatSize(bytesTotal)
        )}
      </legend>
      <ul>
        {objects.slice(0, MAX_NAMES).map(({ key, size }) => (
          <li key={key}>
            {key} <span>{formatSize(size)}</span>
          </li>
        ))}
        {more > 0 && <li>{trans.__('and %1 more', more.toLocaleString())}</li>}
      </ul>
      {isTruncated && (
        <p className="odhtec-Field-hint">
          {trans.__('Only a part of the folder was compared. There may be more.')}
        </p>
      )}
      <label className="odhtec-Form-check">
        <input
          type="checkbox"
          checked={model.removesRemaining}
          onChange={event => model.setRemoveRemaining(event.target.checked)}
        />
        {trans._n(
          'Delete it when the import is complete',
          'Delete them when the import is complete',
          objects.length
        )}
      </label>
    </fieldset>
  );
}

function Conflict({ model, trans }: IPartProps): JSX.Element | null {
  if (!model.current || !model.asksConflict) {
    return null;
  }
  return (
    <ConflictChoice
      legend={trans._n(
        'One object already exists and is different',
        '%1 objects already exist and are different',
        model.count('differs') || model.plan!.differing
      )}
      value={model.onConflict}
      onChange={value => model.setOnConflict(value)}
      trans={trans}
    />
  );
}

/** Return the server's message, and a link that helps. */
function importError(model: ImportModel, trans: TranslationBundle): JSX.Element | null {
  const error = model.error ?? model.planError;
  if (!error) {
    return null;
  }
  return (
    <>
      {error.message}{' '}
      {error.code === 'GatedRepo' && model.pageUrl && (
        <ExternalLink href={model.pageUrl}>{trans.__('Open repository page')}</ExternalLink>
      )}
    </>
  );
}
