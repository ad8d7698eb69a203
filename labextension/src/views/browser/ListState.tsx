import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

import { DEFAULT_CONNECTION } from '../../api/bucketaddress';
import { s3Uri } from '../../api/keys';
import { NOT_ENABLED, type ApiError } from '../../api/request';
import type { BrowserModel } from '../../list/browser';
import type { Search } from '../../list/search';
import type { IBrowserActions } from '../actions';

const ENABLE_COMMAND = 'jupyter server extension enable odhtec_jupyter';

interface IStateProps {
  model: BrowserModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** Shown instead of the rows when there are none. */
export function ListState(props: IStateProps): JSX.Element | null {
  const { model, actions, trans } = props;
  if (model.loading) {
    return <Loading trans={trans} />;
  }
  if (model.error && !model.hasMore) {
    return <Failure {...props} error={model.error} />;
  }
  if (model.bucket === null) {
    return <NoBucket {...props} />;
  }
  if (model.search) {
    return <NoHits {...props} search={model.search} />;
  }
  if (model.rows.length || model.hasMore) {
    return null;
  }
  if (model.filter) {
    return (
      <State title={trans.__('No matches')}>
        <p>{trans.__('No name in this folder contains “%1”.', model.filter)}</p>
        <Action
          onClick={() =>
            void model.startSearch({ q: model.filter, mode: 'contains', recursive: true })
          }
        >
          {trans.__('Search All Folders')}
        </Action>
        <Action onClick={() => model.setFilter('')}>{trans.__('Clear Filter')}</Action>
      </State>
    );
  }
  return (
    <State
      title={model.prefix ? trans.__('This folder is empty') : trans.__('This bucket is empty')}
    >
      <p>{trans.__('Drop files or folders here, or')}</p>
      <Action onClick={() => actions.pickFiles()}>{trans.__('Upload Files')}</Action>
      <Action onClick={() => actions.importModel()}>{trans.__('Import from Hugging Face')}</Action>
    </State>
  );
}

function NoHits({ model, search, trans }: IStateProps & { search: Search }): JSX.Element | null {
  if (search.hasMore) {
    // The footer shows its progress.
    return null;
  }
  const { q, mode, recursive } = search.what;
  const location = s3Uri(model.bucket!, model.prefix);
  const said = {
    prefix: trans.__('No name starts with “%1”', q),
    contains: trans.__('No name contains “%1”', q),
    glob: trans.__('No name matches “%1”', q)
  };
  return (
    <State title={said[mode]}>
      <p>
        {recursive
          ? trans.__('Everything in %1 was searched.', location)
          : trans.__('%1 was searched, but not the folders in it.', location)}
      </p>
      {!recursive && (
        <Action onClick={() => void model.startSearch({ q, mode, recursive: true })}>
          {trans.__('Search All Folders')}
        </Action>
      )}
      <Action onClick={() => model.endSearch()}>{trans.__('Back to Folder')}</Action>
    </State>
  );
}

/** Grey lines instead of rows; the style shows them only after 200 ms. */
function Loading({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <div className="odhtec-Loading" role="status" aria-label={trans.__('Loading')}>
      {Array.from({ length: 6 }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

function Failure({ model, error, actions, trans }: IStateProps & { error: ApiError }): JSX.Element {
  if (error.code === NOT_ENABLED) {
    return (
      <State title={trans.__('The server extension is not enabled')} alert>
        <p>
          {trans.__(
            'Run this command where the Jupyter server is installed, then restart the server:'
          )}
        </p>
        <code>{ENABLE_COMMAND}</code>
        <Action onClick={() => actions.refresh()}>{trans.__('Retry')}</Action>
      </State>
    );
  }
  if (error.code === 'NoCredentials') {
    return (
      <State title={trans.__('Not connected')}>
        <p>
          {trans.__(
            'In Open Data Hub or OpenShift AI, attach a data connection and restart this workbench. Elsewhere, enter the endpoint and the keys in the settings.'
          )}
        </p>
        <Action onClick={() => actions.settings()}>{trans.__('Open Settings')}</Action>
        <Action onClick={() => actions.refresh()}>{trans.__('Retry')}</Action>
      </State>
    );
  }
  const advice = adviceFor(error, trans);
  return (
    <State title={failureTitle(error, trans)} alert>
      <p>{error.message}</p>
      {advice && <p>{advice}</p>}
      <Action onClick={() => actions.refresh()}>{trans.__('Retry')}</Action>
      {isConnectionError(error) && (
        <ConnectionHelp connection={model.connection} actions={actions} trans={trans} />
      )}
    </State>
  );
}

/** Buttons for a connection that does not work. The settings are those of the default one only. */
function ConnectionHelp(props: {
  connection: string;
  actions: IBrowserActions;
  trans: TranslationBundle;
}): JSX.Element {
  const { connection, actions, trans } = props;
  return (
    <>
      {!connection && (
        <Action onClick={() => actions.settings()}>{trans.__('Open Settings')}</Action>
      )}
      <Action onClick={() => actions.testConnection(connection || DEFAULT_CONNECTION)}>
        {trans.__('Test Connection…')}
      </Action>
    </>
  );
}

function NoBucket({ model, actions, trans }: IStateProps): JSX.Element {
  if (!model.buckets.listable) {
    return (
      <State title={trans.__('No bucket is open')}>
        <p>{trans.__('These credentials cannot list buckets. Enter the name of one above.')}</p>
        <ConnectionHelp connection={model.connection} actions={actions} trans={trans} />
      </State>
    );
  }
  return (
    <State title={trans.__('No buckets yet')}>
      <p>
        {trans.__(
          'A bucket holds your objects. Create one, or enter the name of an existing one above.'
        )}
      </p>
      <Action onClick={() => actions.newBucket('')}>{trans.__('Create Bucket')}</Action>
      <ConnectionHelp connection={model.connection} actions={actions} trans={trans} />
    </State>
  );
}

function failureTitle(error: ApiError, trans: TranslationBundle): string {
  switch (error.code) {
    case 'AccessDenied':
    case 'Forbidden':
      return trans.__('No permission');
    case 'NoSuchBucket':
      return trans.__('Bucket not found');
    case 'StoreUnreachable':
      return trans.__('The object store is not responding');
    case 'NetworkError':
      return trans.__('The Jupyter server is not responding');
    case 'InvalidAccessKeyId':
      return trans.__('Invalid access key');
    case 'SignatureDoesNotMatch':
      return trans.__('Invalid secret access key');
    case 'ExpiredToken':
      return trans.__('The credentials have expired');
    default:
      return isConnectionError(error)
        ? trans.__('The object store refused the connection')
        : trans.__('The list could not be loaded');
  }
}

/** Return advice, if the message does not contain it. */
function adviceFor(error: ApiError, trans: TranslationBundle): string | null {
  switch (error.code) {
    case 'AccessDenied':
      return trans.__(
        'These credentials cannot list this location. If they can list a folder in it, enter its path above (F4).'
      );
    case 'NoSuchBucket':
      return trans.__('Choose another bucket above, or create this one.');
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'ExpiredToken':
      return trans.__('Enter valid credentials in the settings, where you can test them.');
    default:
      return null;
  }
}

/** Return whether other settings might help. S3 has many codes for invalid keys. */
function isConnectionError(error: ApiError): boolean {
  return (
    [400, 401, 403, 502].includes(error.status) ||
    /Credential|AccessKey|Token|Signature/.test(error.code)
  );
}

function State(props: { title: string; alert?: boolean; children: ReactNode }): JSX.Element {
  return (
    <div className="odhtec-State" role={props.alert ? 'alert' : 'status'}>
      <h3>{props.title}</h3>
      {props.children}
    </div>
  );
}

function Action(props: { onClick: () => void; children: ReactNode }): JSX.Element {
  return (
    <button
      type="button"
      className="jp-mod-styled jp-mod-reject odhtec-State-action"
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}
