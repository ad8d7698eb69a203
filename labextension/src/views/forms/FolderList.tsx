import type { TranslationBundle } from '@jupyterlab/translation';
import { folderIcon } from '@jupyterlab/ui-components';
import { useEffect, type KeyboardEvent } from 'react';

import { nameIn, parentPrefix } from '../../api/keys';
import type { FolderChooser } from '../../forms/folderchooser';
import { useActiveRow } from '../controls/activerow';

export interface IFolderListProps {
  chooser: FolderChooser;
  trans: TranslationBundle;
}

/** The subfolders: arrows move, Enter opens, Backspace goes up. */
export function FolderList({ chooser, trans }: IFolderListProps): JSX.Element {
  const { folders, bucket, prefix, hasMore } = chooser;
  const { index: active, move, idOf, scroller, view, onKeyDown } = useActiveRow(folders.length);

  const location = `${bucket}/${prefix}`;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- only in another folder
  useEffect(() => move(0), [location]);

  const onKey = (event: KeyboardEvent) =>
    onKeyDown(event, {
      Enter: () => folders.length && chooser.open(bucket, folders[active]),
      Backspace: () => prefix && chooser.open(bucket, parentPrefix(prefix))
    });

  return (
    <div
      ref={scroller}
      role="listbox"
      className="odhtec-CheckList odhtec-FolderList"
      aria-label={trans.__('Folders')}
      aria-busy={chooser.loading}
      aria-activedescendant={folders.length ? idOf(active) : undefined}
      tabIndex={0}
      onScroll={view.onScroll}
      onKeyDown={onKey}
    >
      <div role="presentation" style={{ height: view.height }}>
        {view.indices.map(index => (
          <div
            key={folders[index]}
            id={idOf(index)}
            role="option"
            className={index === active ? 'odhtec-mod-active' : ''}
            aria-selected={index === active}
            aria-posinset={index + 1}
            aria-setsize={hasMore ? -1 : folders.length}
            style={{ transform: `translateY(${view.topOf(index)}px)` }}
            onClick={() => chooser.open(bucket, folders[index])}
          >
            <folderIcon.react tag="span" className="odhtec-Row-icon" aria-hidden="true" />
            <span className="odhtec-CheckList-name">{nameIn(prefix, folders[index])}</span>
          </div>
        ))}
      </div>
      <ListNote chooser={chooser} trans={trans} />
    </div>
  );
}

function ListNote({ chooser, trans }: IFolderListProps): JSX.Element | null {
  const text = chooser.loading
    ? trans.__('Loading…')
    : chooser.isNew
      ? trans.__('The folder does not exist yet. It is created with its first object.')
      : !chooser.folders.length && !chooser.hasMore && !chooser.error
        ? trans.__('No folders')
        : null;
  return text ? <div className="odhtec-FolderList-note">{text}</div> : null;
}
