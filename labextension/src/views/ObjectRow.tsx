import type { TranslationBundle } from '@jupyterlab/translation';
import {
  copyIcon,
  deleteIcon,
  downloadIcon,
  fileIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import { memo, type CSSProperties } from 'react';

import type { IBrowserActions } from '../actions';
import { formatAge, formatSize } from '../format';
import type { IRow } from '../rows';
import { ROW_CLASS } from '../tokens';
import { IconButton } from './IconButton';

export interface IObjectRowProps {
  row: IRow;
  index: number;
  selected: boolean;
  /** The one row of the list that Tab reaches. */
  tabbable: boolean;
  style: CSSProperties;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** One line of the list. Its buttons are reached by the arrow keys, so that Tab passes the list in one step. */
export const ObjectRow = memo(function ObjectRow(props: IObjectRowProps): JSX.Element {
  const { row, selected, actions, trans } = props;
  const Icon = row.kind === 'folder' ? folderIcon : fileIcon;
  const size = row.size === undefined ? '' : formatSize(row.size);
  const tooltip = [
    row.name,
    row.size === undefined ? '' : `${size} (${trans.__('%1 bytes', row.size.toLocaleString())})`,
    row.modified?.toLocaleString()
  ];
  return (
    <div
      role="row"
      className={`${ROW_CLASS} ${selected ? 'jp-mod-selected' : ''}`}
      style={props.style}
      data-index={props.index}
      // Line 1 is the header.
      aria-rowindex={props.index + 2}
      aria-selected={selected}
      tabIndex={props.tabbable ? 0 : -1}
      title={tooltip.filter(Boolean).join('\n')}
    >
      <span role="gridcell" className="odhtec-Row-name">
        <Icon.react tag="span" className="odhtec-Row-icon" aria-hidden="true" />
        <span className="odhtec-Row-text">{row.name}</span>
        {row.kind === 'folder' && <span className="odhtec-hidden">{trans.__('folder')}</span>}
      </span>
      <span role="gridcell" className="odhtec-Row-size">
        {size}
      </span>
      <span role="gridcell" className="odhtec-Row-age">
        {row.modified && (
          <time dateTime={row.modified.toISOString()}>
            {formatAge(row.modified, new Date(), trans)}
          </time>
        )}
      </span>
      <span role="gridcell" className="odhtec-Row-actions">
        {row.kind === 'file' && (
          <a
            className="odhtec-IconButton"
            href={actions.downloadUrl(row)}
            download={row.name}
            tabIndex={-1}
            title={trans.__('Download')}
            aria-label={trans.__('Download %1', row.name)}
          >
            <downloadIcon.react tag="span" aria-hidden="true" />
          </a>
        )}
        <IconButton
          icon={copyIcon}
          label={trans.__('Copy URI')}
          tabIndex={-1}
          onClick={() => actions.copyUri([row])}
        />
        <IconButton
          icon={deleteIcon}
          label={trans.__('Delete')}
          tabIndex={-1}
          onClick={() => actions.remove([row])}
        />
      </span>
    </div>
  );
});
