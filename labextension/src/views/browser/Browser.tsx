import type { TranslationBundle } from '@jupyterlab/translation';
import { useRef, type KeyboardEvent } from 'react';

import type { BrowserModel } from '../../list/browser';
import type { ConnectionsModel } from '../../list/connections';
import type { UsageModel } from '../../list/usage';
import type { TransfersModel } from '../../transfers/transfers';
import type { UnfinishedModel } from '../../uploads/unfinished';
import type { UploadsModel } from '../../uploads/uploads';
import type { IBrowserActions } from '../actions';
import { ConnectionBox } from '../connections/ConnectionBox';
import { useSignal } from '../hooks';
import { ObjectList } from '../list/ObjectList';
import { readOnlyReason } from '../readonly';
import { TransferArea } from '../transfers/TransferArea';
import { Breadcrumb } from './Breadcrumb';
import { BucketBox } from './BucketBox';
import { useDropping } from './dropping';
import { ListState } from './ListState';
import { SearchBar } from './SearchBar';
import { Toolbar } from './Toolbar';

export interface IBrowserProps {
  model: BrowserModel;
  connections: ConnectionsModel;
  usage: UsageModel;
  transfers: TransfersModel;
  uploads: UploadsModel;
  unfinished: UnfinishedModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
  /** Whether it is in the output of a cell, whose widget knows only the default connection. */
  isCell?: boolean;
}

/** The whole browser. All its I/O is injected, so that it works in the sidebar or anywhere else. */
export function Browser(props: IBrowserProps): JSX.Element {
  const { model, connections, usage, actions, trans } = props;
  useSignal(model.stateChanged);
  useSignal(connections.stateChanged);
  const dropping = useDropping(model, actions);
  const root = useRef<HTMLDivElement>(null);
  const hasRows = model.rows.length > 0 || (model.hasMore && !model.search);
  const onKeyDown = (event: KeyboardEvent) => {
    const command = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'l';
    if ((command || event.key === 'F4') && model.bucket !== null) {
      event.preventDefault();
      event.stopPropagation();
      model.setEditingPath(true);
    }
  };
  return (
    <div
      ref={root}
      className={`odhtec-Browser ${dropping.over ? 'odhtec-mod-drop' : ''}`}
      onKeyDown={onKeyDown}
      {...dropping.handlers}
    >
      <Toolbar
        enabled={model.bucket !== null}
        problem={readOnlyReason(model.connection, connections, trans)}
        actions={actions}
        trans={trans}
      />
      {!props.isCell && <ConnectionBox {...{ model, connections, actions, trans }} />}
      <BucketBox model={model} actions={actions} trans={trans} />
      {model.bucket !== null && <SearchBar model={model} trans={trans} />}
      <Breadcrumb model={model} onPathEntered={() => focusList(root.current!)} trans={trans} />
      <div className={`odhtec-Browser-main ${model.loading ? 'odhtec-mod-loading' : ''}`}>
        {model.bucket !== null && (
          <ObjectList model={model} usage={usage} actions={actions} trans={trans} />
        )}
        {!hasRows && <ListState model={model} actions={actions} trans={trans} />}
      </div>
      <TransferArea
        transfers={props.transfers}
        uploads={props.uploads}
        unfinished={props.unfinished}
        actions={actions}
        trans={trans}
      />
    </div>
  );
}

/** Focus the row that has the keyboard focus, else the list. */
export function focusList(node: HTMLElement): void {
  const list = node.querySelector<HTMLElement>('[role=rowgroup]');
  (list?.querySelector<HTMLElement>('[tabindex="0"]') ?? list ?? node).focus();
}
