import type { TranslationBundle } from '@jupyterlab/translation';
import { useState, type DragEvent } from 'react';

import type { IBrowserActions } from '../actions';
import type { BrowserModel } from '../browser';
import type { TransfersModel } from '../transfers';
import type { UploadsModel } from '../uploads';
import { Breadcrumb } from './Breadcrumb';
import { BucketBox } from './BucketBox';
import { useSignal } from './hooks';
import { ObjectList } from './ObjectList';
import { ListState } from './States';
import { Toolbar } from './Toolbar';
import { TransferArea } from './TransferArea';

export interface IBrowserProps {
  model: BrowserModel;
  transfers: TransfersModel;
  uploads: UploadsModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** The whole browser. All its I/O is handed in, so that it can live in the sidebar or anywhere else. */
export function Browser(props: IBrowserProps): JSX.Element {
  const { model, actions, trans } = props;
  useSignal(model.stateChanged);
  const [dragging, setDragging] = useState(false);
  const canDrop = (event: DragEvent) =>
    model.bucket !== null && event.dataTransfer.types.includes('Files');
  const drag = (event: DragEvent, stays: boolean) => {
    if (canDrop(event)) {
      event.preventDefault();
      event.stopPropagation();
      setDragging(stays);
    }
  };
  const hasRows = model.rows.length > 0 || model.hasMore;
  return (
    <div
      className={`odhtec-Browser ${dragging ? 'odhtec-mod-drop' : ''}`}
      onDragEnter={event => drag(event, true)}
      onDragOver={event => drag(event, true)}
      // Fired for every child, too. Enters and leaves cannot be counted: a child may go while it is under the drag.
      onDragLeave={event => drag(event, event.currentTarget.contains(event.relatedTarget as Node))}
      onDrop={event => {
        if (canDrop(event)) {
          drag(event, false);
          actions.drop(event.dataTransfer);
        }
      }}
    >
      <Toolbar enabled={model.bucket !== null} actions={actions} trans={trans} />
      <BucketBox model={model} actions={actions} trans={trans} />
      {model.bucket !== null && (
        <input
          className="jp-mod-styled odhtec-Input odhtec-Filter"
          type="search"
          spellCheck={false}
          placeholder={trans.__('Filter by name')}
          aria-label={trans.__('Filter by name')}
          value={model.filter}
          onChange={event => model.setFilter(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Escape' && model.filter) {
              event.stopPropagation();
              event.preventDefault();
              model.setFilter('');
            }
          }}
        />
      )}
      <Breadcrumb model={model} trans={trans} />
      <div className={`odhtec-Browser-main ${model.loading ? 'odhtec-mod-loading' : ''}`}>
        {model.bucket !== null && <ObjectList model={model} actions={actions} trans={trans} />}
        {!hasRows && <ListState model={model} actions={actions} trans={trans} />}
      </div>
      <TransferArea
        transfers={props.transfers}
        uploads={props.uploads}
        actions={actions}
        trans={trans}
      />
    </div>
  );
}
