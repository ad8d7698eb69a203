import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

import type { IBrowserActions } from '../actions';
import type { BrowserModel } from '../browser';
import { NOT_ENABLED, type ApiError } from '../request';

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
  if (model.rows.length || model.hasMore) {
    return null;
  }
  if (model.filter) {
    return (
      <State title={trans.__('Nothing matches')}>
        <p>{trans.__('No row of this folder contains “%1”.', model.filter)}</p>
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
  return (
    <State title={failureTitle(error, trans)} alert>
      <p>{error.message}</p>
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
    default:
      return isConnectionError(error)
        ? trans.__('The object store refuses the connection')
        : trans.__('This did not work');
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
