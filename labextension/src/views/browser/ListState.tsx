import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

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

/** What stands in the place of the rows when there are none. */
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
      <State title={trans.__('Nothing matches')}>
        <p>{trans.__('No row of this folder contains “%1”.', model.filter)}</p>
        <Action
          onClick={() =>
            void model.startSearch({ q: model.filter, mode: 'contains', recursive: true })
          }
        >
          {trans.__('Search in all folders')}
        </Action>
        <Action onClick={() => model.setFilter('')}>{trans.__('Clear the filter')}</Action>
      </State>
    );
  }
  return (
    <State
      title={model.prefix ? trans.__('This folder is empty') : trans.__('This bucket is empty')}
    >
      <p>{trans.__('Drop files or folders here, or')}</p>
      <Action onClick={() => actions.pickFiles()}>{trans.__('Upload files')}</Action>
      <Action onClick={() => actions.importModel()}>{trans.__('Import from Hugging Face')}</Action>
    </State>
  );
}

function NoHits({ model, search, trans }: IStateProps & { search: Search }): JSX.Element | null {
  if (search.hasMore) {
    // Below the list it says how far it has come.
    return null;
  }
  const { q, mode, recursive } = search.what;
  const location = s3Uri(model.bucket!, model.prefix);
  const said = {
    prefix: trans.__('No name begins with “%1”', q),
    contains: trans.__('No name contains “%1”', q),
    glob: trans.__('No name matches “%1”', q)
  };
  return (
    <State title={said[mode]}>
      <p>
        {recursive
          ? trans.__('All below %1 was looked at.', location)
          : trans.__('All in %1 was looked at, but not the folders in it.', location)}
      </p>
      {!recursive && (
        <Action onClick={() => void model.startSearch({ q, mode, recursive: true })}>
          {trans.__('Search in all folders')}
        </Action>
      )}
      <Action onClick={() => model.endSearch()}>{trans.__('Back to the folder')}</Action>
    </State>
  );
}

/** Grey lines where the rows will be; the style shows them only after 200 ms. */
function Loading({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <div className="odhtec-Loading" role="status" aria-label={trans.__('Loading')}>
      {Array.from({ length: 6 }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

function Failure({ error, actions, trans }: IStateProps & { error: ApiError }): JSX.Element {
  if (error.code === NOT_ENABLED) {
    return (
      <State title={trans.__('The server extension is not enabled')} alert>
        <p>{trans.__('Run this where Jupyter runs, then restart the server:')}</p>
        <code>{ENABLE_COMMAND}</code>
        <Action onClick={() => actions.refresh()}>{trans.__('Retry')}</Action>
      </State>
    );
  }
  if (error.code === 'NoCredentials') {
    return (
      <State title={trans.__('Not connected yet')}>
        <p>
          {trans.__(
            'In Open Data Hub or OpenShift AI, attach a data connection to this workbench and restart it. Elsewhere, enter endpoint and keys in the settings.'
          )}
        </p>
        <Action onClick={() => actions.settings()}>{trans.__('Open settings')}</Action>
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
        <Action onClick={() => actions.settings()}>{trans.__('Open settings')}</Action>
      )}
    </State>
  );
}

function NoBucket({ model, actions, trans }: IStateProps): JSX.Element {
  if (!model.buckets.listable) {
    return (
      <State title={trans.__('No bucket is open')}>
        <p>{trans.__('These credentials may not list buckets. Type the name of one above.')}</p>
        <Action onClick={() => actions.settings()}>{trans.__('Open settings')}</Action>
      </State>
    );
  }
  return (
    <State title={trans.__('There are no buckets yet')}>
      <p>
        {trans.__(
          'A bucket holds your objects. Create one, or type the name of an existing one above.'
        )}
      </p>
      <Action onClick={() => actions.newBucket('')}>{trans.__('Create bucket')}</Action>
      <Action onClick={() => actions.settings()}>{trans.__('Open settings')}</Action>
    </State>
  );
}

function failureTitle(error: ApiError, trans: TranslationBundle): string {
  switch (error.code) {
    case 'AccessDenied':
      return trans.__('No permission');
    case 'NoSuchBucket':
      return trans.__('There is no such bucket');
    case 'StoreUnreachable':
      return trans.__('The object store does not answer');
    case 'NetworkError':
      return trans.__('The Jupyter server does not answer');
    case 'InvalidAccessKeyId':
      return trans.__('The store does not know the access key');
    case 'SignatureDoesNotMatch':
      return trans.__('The secret access key is wrong');
    case 'ExpiredToken':
      return trans.__('The credentials have expired');
    default:
      return isConnectionError(error)
        ? trans.__('The object store refuses the connection')
        : trans.__('This did not work');
  }
}

/** What one might do about it, where that is not said by the message. */
function adviceFor(error: ApiError, trans: TranslationBundle): string | null {
  switch (error.code) {
    case 'AccessDenied':
      return trans.__(
        'These credentials may not list this place. They may still be allowed a folder of it: type its way above (F4).'
      );
    case 'NoSuchBucket':
      return trans.__('Choose another one above, or create it.');
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'ExpiredToken':
      return trans.__('Put the right credentials into the settings; they are tested there.');
    default:
      return null;
  }
}

/** Whether other settings might help. S3 has many codes for keys it does not take. */
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
