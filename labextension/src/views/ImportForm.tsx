import type { TranslationBundle } from '@jupyterlab/translation';
import { useState, type FormEvent } from 'react';

import { matchesAny, SAFETENSORS_ONLY } from '../patterns';
import { ApiError } from '../request';
import type {
  HubRepo,
  ImportRequest,
  IRepoOptions,
  OnConflict,
  RepoType,
  Transfer
} from '../tokens';
import { Field } from './Field';
import { RepoSummary } from './RepoSummary';

/** The name that the hub gives to a repository's newest state. */
const DEFAULT_REVISION = 'main';

export interface IImportFormProps {
  bucket: string;
  lookUp: (repo: string, options: IRepoOptions) => Promise<HubRepo>;
  start: (request: ImportRequest) => Promise<Transfer>;
  onStarted: (transfer: Transfer) => void;
  onCancel: () => void;
  trans: TranslationBundle;
}

/** What the server said about a question: the repository, an error, or both when an import was refused. */
interface IAnswer {
  question: string;
  found?: HubRepo;
  error?: ApiError;
}

/** Look at a repository, then import it. Errors stay in the form, in the server's words. */
export function ImportForm(props: IImportFormProps): JSX.Element {
  const { bucket, trans } = props;
  const [repo, setRepo] = useState('');
  const [repoType, setRepoType] = useState<RepoType>('model');
  const [revision, setRevision] = useState('');
  const [token, setToken] = useState('');
  // Null means the default: the repository's id.
  const [prefix, setPrefix] = useState<string | null>(null);
  const [slim, setSlim] = useState(false);
  const [onConflict, setOnConflict] = useState<OnConflict>('fail');
  const [answer, setAnswer] = useState<IAnswer | null>(null);
  const [busy, setBusy] = useState<'looking' | 'starting' | null>(null);

  const name = repo.trim();
  const question = JSON.stringify([name, repoType, revision.trim(), token]);
  // An answer counts only for what it was asked about: the fields may have changed since.
  const { found = null, error = null } = answer?.question === question ? answer : {};

  const lookUp = async () => {
    setBusy('looking');
    setAnswer(null);
    try {
      const options = {
        repoType,
        revision: revision.trim() || undefined,
        token: token || undefined
      };
      setAnswer({ question, found: await props.lookUp(name, options) });
    } catch (reason) {
      setAnswer({ question, error: ApiError.from(reason) });
    } finally {
      setBusy(null);
    }
  };

  const ready = busy === null && found !== null && found.accessible;
  const patterns = slim && (found?.repoType ?? repoType) === 'model' ? [...SAFETENSORS_ONLY] : null;
  const files = found?.files.filter(({ path }) => !patterns || matchesAny(path, patterns)) ?? [];

  const start = async () => {
    setBusy('starting');
    setAnswer({ question, found: found ?? undefined });
    try {
      const transfer = await props.start({
        repo: found?.repo ?? name,
        // A pasted address says more than the fields.
        repoType: found?.repoType ?? repoType,
        revision: found?.revision ?? DEFAULT_REVISION,
        bucket,
        onConflict,
        ...(token && { token }),
        ...(prefix !== null && { prefix: prefix.trim() }),
        ...(patterns && { include: patterns })
      });
      props.onStarted(transfer);
    } catch (reason) {
      setAnswer({ question, found: found ?? undefined, error: ApiError.from(reason) });
      setBusy(null);
    }
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name && busy === null) {
      void (found && ready ? start() : lookUp());
    }
  };

  return (
    <form className="odhtec-Form odhtec-ImportForm" onSubmit={submit} aria-busy={busy !== null}>
      <div className="odhtec-Form-row">
        <Field label={trans.__('Repository')}>
          <input
            className="jp-mod-styled"
            name="repo"
            required
            autoFocus
            spellCheck={false}
            placeholder={trans.__('org/name, or its address')}
            value={repo}
            onChange={event => setRepo(event.target.value)}
          />
        </Field>
        <button
          type="submit"
          className="jp-mod-styled jp-mod-reject"
          disabled={!name || busy !== null}
        >
          {busy === 'looking' ? trans.__('Looking…') : trans.__('Look up')}
        </button>
      </div>
      <div className="odhtec-Form-row">
        <Field label={trans.__('Type')}>
          <select
            className="jp-mod-styled"
            value={repoType}
            onChange={event => setRepoType(event.target.value as RepoType)}
          >
            <option value="model">{trans.__('Model')}</option>
            <option value="dataset">{trans.__('Dataset')}</option>
            <option value="space">{trans.__('Space')}</option>
          </select>
        </Field>
        <Field label={trans.__('Revision')}>
          <input
            className="jp-mod-styled"
            spellCheck={false}
            placeholder={DEFAULT_REVISION}
            value={revision}
            onChange={event => setRevision(event.target.value)}
          />
        </Field>
        <Field label={trans.__('Token for this import only')}>
          <input
            className="jp-mod-styled"
            type="password"
            autoComplete="off"
            placeholder={trans.__('Optional')}
            value={token}
            onChange={event => setToken(event.target.value)}
          />
        </Field>
      </div>
      {found && <RepoSummary repo={found} files={files} trans={trans} />}
      <Field label={trans.__('Target folder in %1', bucket)}>
        <input
          className="jp-mod-styled"
          spellCheck={false}
          placeholder={trans.__('The bucket’s top level')}
          value={prefix ?? found?.repo ?? name}
          onChange={event => setPrefix(event.target.value)}
        />
      </Field>
      {(found?.repoType ?? repoType) === 'model' && (
        <label className="odhtec-Form-check" title={SAFETENSORS_ONLY.join(' ')}>
          <input type="checkbox" checked={slim} onChange={event => setSlim(event.target.checked)} />
          {trans.__('Only safetensors, configuration and tokenizer')}
        </label>
      )}
      <Field label={trans.__('When another object is there already')}>
        <select
          className="jp-mod-styled"
          value={onConflict}
          onChange={event => setOnConflict(event.target.value as OnConflict)}
        >
          <option value="fail">{trans.__('Stop with an error')}</option>
          <option value="overwrite">{trans.__('Replace it')}</option>
          <option value="skip">{trans.__('Keep it and skip the file')}</option>
        </select>
      </Field>
      <div className="odhtec-Form-foot">
        {error && (
          <p className="odhtec-Form-error" role="alert">
            {error.message}
          </p>
        )}
        <div className="odhtec-Form-buttons">
          <button
            type="button"
            className="jp-Dialog-button jp-mod-styled jp-mod-reject"
            onClick={props.onCancel}
          >
            {trans.__('Cancel')}
          </button>
          <button
            type="button"
            className="jp-Dialog-button jp-mod-styled jp-mod-accept"
            disabled={!ready}
            onClick={() => void start()}
          >
            {busy === 'starting' ? trans.__('Starting…') : trans.__('Start import')}
          </button>
        </div>
      </div>
    </form>
  );
}
