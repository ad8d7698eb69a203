import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, closeIcon, runIcon, saveIcon } from '@jupyterlab/ui-components';
import { useId } from 'react';

import { DEFAULT_CONNECTION, named } from '../../api/bucketaddress';
import type { BrowserModel } from '../../list/browser';
import type { ConnectionsModel } from '../../list/connections';
import type { ConnectionSummary } from '../../tokens';
import { CONNECTION_CLASS } from '../../tokens';
import { visible } from '../../visible';
import type { IBrowserActions } from '../actions';
import { IconButton } from '../controls/IconButton';
import { useSignal } from '../hooks';

export interface IConnectionBoxProps {
  model: BrowserModel;
  connections: ConnectionsModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** Select one of several connections. With only the default one there is nothing to select. */
export function ConnectionBox(props: IConnectionBoxProps): JSX.Element | null {
  const { model, connections, actions, trans } = props;
  useSignal(connections.stateChanged);
  const id = useId();
  const { connection } = model;
  const current = connections.find(connection);
  if (connections.all.length < 2 && connection === '') {
    return null;
  }
  const state = current && stateText(current, trans);
  return (
    <div className={CONNECTION_CLASS}>
      <div className="odhtec-ConnectionBox-row">
        <select
          className="odhtec-Select"
          aria-label={trans.__('Connection')}
          aria-describedby={state ? id : undefined}
          title={current ? tooltip(current, trans) : connection}
          value={connection}
          onChange={event => void model.openConnection(event.target.value)}
        >
          {!current && <option value={connection}>{connection || DEFAULT_CONNECTION}</option>}
          {groups(connections.all).map(([source, members]) => (
            <optgroup key={source} label={sourceTitle(source, trans)}>
              {members.map(member => (
                <option key={member.name} value={named(member.name)}>
                  {optionText(member, trans)}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
        <IconButton
          icon={addIcon}
          label={trans.__('Add Connection…')}
          onClick={() => actions.addConnection()}
        />
        <IconButton
          icon={runIcon}
          label={trans.__('Test Connection…')}
          onClick={() => actions.testConnection(connection || DEFAULT_CONNECTION)}
        />
        {current?.removable && (
          <>
            <IconButton
              icon={saveIcon}
              label={trans.__('Save as AWS Profile…')}
              disabled={current.error !== null}
              onClick={() => actions.saveConnection(current.name)}
            />
            <IconButton
              icon={closeIcon}
              label={trans.__('Remove Connection…')}
              onClick={() => actions.removeConnection(current.name)}
            />
          </>
        )}
      </div>
      {state && (
        <div
          id={id}
          className={`odhtec-ConnectionBox-state ${current.error ? 'odhtec-Form-error' : ''}`}
        >
          {state}
        </div>
      )}
    </div>
  );
}

/** Return the connections of each source, in the order of the sources. */
function groups(all: readonly ConnectionSummary[]): [string, ConnectionSummary[]][] {
  const found = new Map<string, ConnectionSummary[]>();
  for (const connection of all) {
    found.set(connection.source, [...(found.get(connection.source) ?? []), connection]);
  }
  return [...found];
}

/** Return the title or the name, and why the connection is not like others. */
function optionText(connection: ConnectionSummary, trans: TranslationBundle): string {
  const title = visible(connection.title || connection.name);
  if (connection.error !== null) {
    return trans.__('%1 (cannot be used)', title);
  }
  return connection.readOnly ? trans.__('%1 (read-only)', title) : title;
}

/** Return a line about a connection that is not usable or not kept; null for others. */
function stateText(connection: ConnectionSummary, trans: TranslationBundle): string | null {
  if (connection.error !== null) {
    return visible(connection.error);
  }
  const parts = [
    connection.readOnly ? trans.__('Read-only.') : '',
    connection.source === 'session' ? trans.__('Kept until the server stops.') : ''
  ];
  return parts.filter(Boolean).join(' ') || null;
}

function tooltip(connection: ConnectionSummary, trans: TranslationBundle): string {
  const { name, endpoint, readOnly } = connection;
  const lines = [
    trans.__('Connection: %1', name),
    trans.__('Source: %1', sourceTitle(connection.source, trans)),
    trans.__('Store: %1', endpoint ?? 'Amazon S3')
  ];
  return visible([...lines, ...(readOnly ? [trans.__('Read-only')] : [])].join('\n'));
}

/** Return where a connection was found. */
function sourceTitle(source: string, trans: TranslationBundle): string {
  switch (source) {
    case 'environment':
      return trans.__('Data connection');
    case 'prefixed':
      return trans.__('Environment variables');
    case 'directory':
      return trans.__('Mounted secrets');
    case 'pipelines':
      return trans.__('Pipeline server');
    case 'profiles':
      return trans.__('AWS profiles');
    case 'mc':
      return trans.__('MinIO client');
    case 'configured':
      return trans.__('Configured by the administrator');
    case 'session':
      return trans.__('Added');
    default:
      return source;
  }
}
