import type { TranslationBundle } from '@jupyterlab/translation';
import {
  copyIcon,
  deleteIcon,
  downloadIcon,
  fileIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import { memo } from 'react';

import { formatAge, formatDate, formatSize } from '../../format';
import type { IRow } from '../../list/rows';
import type { IUsage } from '../../list/usage';
import { ROW_CLASS } from '../../tokens';
import { visible } from '../../visible';
import type { IBrowserActions } from '../actions';
import { IconButton } from '../controls/IconButton';
import { NameField } from './NameField';
import { UsageCell, usageText } from './UsageCell';

export interface IObjectRowProps {
  row: IRow;
  index: number;
  /** The position in the scrolled element. */
  top: number;
  selected: boolean;
  /** Whether it is the one row of the list that Tab reaches. */
  tabbable: boolean;
  /** Whether its buttons are shown: for the row below the pointer and the active one. */
  showsActions: boolean;
  renaming: boolean;
  usage: IUsage | undefined;
  onRenamed: (name: string | null) => void;
  onStopCounting: () => void;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** One row of the list. The arrow keys reach its buttons, so that Tab treats the list as one stop. */
export const ObjectRow = memo(function ObjectRow(props: IObjectRowProps): JSX.Element {
  const { row, selected, renaming, usage, trans } = props;
  const size = row.size === undefined ? '' : formatSize(row.size);
  const { modified } = row;
  return (
    <div
      role="row"
      className={`${ROW_CLASS} ${usage ? 'odhtec-mod-counted' : ''} ${selected ? 'jp-mod-selected' : ''}`}
      style={{ transform: `translateY(${props.top}px)` }}
      data-index={props.index}
      // Drops on a folder go into it.
      data-prefix={row.kind === 'folder' ? row.key : undefined}
      draggable={!renaming}
      // Line 1 is the header.
      aria-rowindex={props.index + 2}
      aria-selected={selected}
      tabIndex={props.tabbable ? 0 : -1}
      title={props.showsActions && !renaming ? tooltip(props) : undefined}
    >
      <span role="gridcell" className="odhtec-Row-name">
        <RowIcon kind={row.kind} />
        {renaming ? (
          <NameField row={row} onDone={props.onRenamed} trans={trans} />
        ) : (
          <span className="odhtec-Row-text">{row.name}</span>
        )}
        {row.kind === 'folder' && <span className="odhtec-hidden">{trans.__('folder')}</span>}
      </span>
      <span role="gridcell" className="odhtec-Row-size">
        {usage ? <UsageCell usage={usage} onStop={props.onStopCounting} trans={trans} /> : size}
      </span>
      <span role="gridcell" className="odhtec-Row-age">
        {modified && (
          <time dateTime={modified.toISOString()}>{formatAge(modified, new Date(), trans)}</time>
        )}
      </span>
      <span role="gridcell" className="odhtec-Row-date">
        {modified && formatDate(modified)}
      </span>
      <span role="gridcell" className="odhtec-Row-class">
        {row.storageClass}
      </span>
      {props.showsActions && !renaming && <RowActions {...props} />}
    </div>
  );
});

/** Memoized, because Lab's icons subscribe to changes each time they are drawn. */
const RowIcon = memo(function RowIcon({ kind }: { kind: IRow['kind'] }): JSX.Element {
  const Icon = kind === 'folder' ? folderIcon : fileIcon;
  return <Icon.react tag="span" className="odhtec-Row-icon" aria-hidden="true" />;
});

function tooltip({ row, usage, trans }: IObjectRowProps): string {
  const { name, size, modified } = row;
  const lines = [
    visible(name),
    size !== undefined && `${formatSize(size)} (${trans.__('%1 bytes', size.toLocaleString())})`,
    usage && usageText(usage, trans),
    modified?.toLocaleString()
  ];
  return lines.filter(Boolean).join('\n');
}

function RowActions({ row, actions, trans }: IObjectRowProps): JSX.Element {
  return (
    <span role="gridcell" className="odhtec-Row-actions">
      {row.kind === 'file' && (
        <a
          className="odhtec-IconButton"
          href={actions.downloadUrl(row)}
          download={row.name}
          tabIndex={-1}
          draggable={false}
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
  );
}
