import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useLayoutEffect, useRef, type MouseEvent } from 'react';

import type { IBrowserActions } from '../actions';
import type { BrowserModel } from '../browser';
import { useWindow } from './hooks';
import { useListKeys } from './listkeys';
import { ObjectRow } from './ObjectRow';

/** Must agree with --odhtec-row-height. */
export const ROW_HEIGHT = 24;

/** The next page is asked for this many rows before the end. */
const LOOK_AHEAD = 40;

export interface IObjectListProps {
  model: BrowserModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** The rows of a folder: a grid of which only the visible part is in the page. */
export function ObjectList({ model, actions, trans }: IObjectListProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, selection, hasMore, error, filter } = model;
  const active = rows.findIndex(({ key }) => key === selection.active);
  const { indices, onScroll, pageRows, lastVisible } = useWindow(
    scroller,
    rows.length,
    ROW_HEIGHT,
    active
  );
  const wantsFocus = useRef(false);
  const onKeyDown = useListKeys(model, actions, pageRows, () => {
    wantsFocus.current = true;
  });

  // A filter that matches little would otherwise pull in the whole bucket.
  const nearEnd = lastVisible >= rows.length - LOOK_AHEAD && !filter;
  useEffect(() => {
    if (nearEnd && hasMore && !error) {
      void model.loadMore();
    }
  }, [nearEnd, hasMore, error, rows, model]);

  const place = `${model.bucket}/${model.prefix}`;
  useLayoutEffect(() => {
    // Another folder starts at its top; whoever used the keyboard here goes on with it.
    const node = scroller.current!;
    node.scrollTop = 0;
    onScroll();
    if (node.contains(document.activeElement) || document.activeElement === document.body) {
      wantsFocus.current = node.dataset.used === 'true';
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only when the place changes
  }, [place]);

  const lastActive = useRef(selection.active);
  useLayoutEffect(() => {
    const node = scroller.current!;
    const last = lastActive.current;
    lastActive.current = selection.active;
    const gone =
      last !== null && last !== selection.active && rows.every(({ key }) => key !== last);
    if (gone && document.activeElement === document.body) {
      // The row that had the focus was removed, and the focus with it.
      wantsFocus.current = node.dataset.used === 'true';
    }
    if (!wantsFocus.current || model.loading) {
      return;
    }
    wantsFocus.current = false;
    if (active < 0) {
      node.focus();
      return;
    }
    const top = active * ROW_HEIGHT;
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + ROW_HEIGHT > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + ROW_HEIGHT - node.clientHeight;
    }
    node.querySelector<HTMLElement>(`[data-index="${active}"]`)?.focus({ preventScroll: true });
  });

  const rowAt = (event: MouseEvent) => {
    const node = (event.target as HTMLElement).closest<HTMLElement>('[data-index]');
    const onButton = (event.target as HTMLElement).closest('a, button') !== null;
    return node && !onButton ? rows[Number(node.dataset.index)] : undefined;
  };

  const onClick = (event: MouseEvent) => {
    const row = rowAt(event);
    if (!row) {
      return;
    }
    wantsFocus.current = true;
    model.select(it => {
      if (event.shiftKey) {
        it.extend(
          rows.map(({ key }) => key),
          row.key
        );
      } else if (event.ctrlKey || event.metaKey) {
        it.toggle(row.key);
      } else {
        it.only(row.key);
      }
    });
  };

  const onContextMenu = (event: MouseEvent) => {
    const row = rowAt(event);
    if (row && !selection.has(row.key)) {
      model.select(it => it.only(row.key));
    }
  };

  return (
    <div
      role="grid"
      className="odhtec-List"
      aria-label={trans.__('Objects')}
      aria-multiselectable="true"
      aria-busy={model.loading}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      onKeyDown={onKeyDown}
    >
      <div role="row" className="odhtec-List-header" aria-rowindex={1}>
        <span role="columnheader" className="odhtec-Row-name">
          {trans.__('Name')}
        </span>
        <span role="columnheader" className="odhtec-Row-size">
          {trans.__('Size')}
        </span>
        <span role="columnheader" className="odhtec-Row-age">
          {trans.__('Age')}
        </span>
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        className="odhtec-List-body"
        // Without a focused row the list itself takes the focus, so that the arrows have a start.
        tabIndex={active < 0 ? 0 : -1}
        onScroll={onScroll}
        onFocus={event => {
          event.currentTarget.dataset.used = 'true';
        }}
        onClick={onClick}
        onDoubleClick={event => {
          const row = rowAt(event);
          if (row) {
            actions.openRow(row);
          }
        }}
        onContextMenu={onContextMenu}
      >
        <div
          className="odhtec-List-space"
          role="presentation"
          style={{ height: rows.length * ROW_HEIGHT }}
        >
          {indices.map(index => (
            <ObjectRow
              key={rows[index].key}
              row={rows[index]}
              index={index}
              selected={selection.has(rows[index].key)}
              tabbable={index === active}
              style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
              actions={actions}
              trans={trans}
            />
          ))}
        </div>
        <ListEnd model={model} trans={trans} />
      </div>
    </div>
  );
}

/** What stands below the last row while there is more to come. */
function ListEnd({
  model,
  trans
}: {
  model: BrowserModel;
  trans: TranslationBundle;
}): JSX.Element | null {
  if (!model.hasMore) {
    return null;
  }
  const more = (label: string) => (
    <button type="button" className="odhtec-LinkButton" onClick={() => void model.loadMore()}>
      {label}
    </button>
  );
  return (
    <div className="odhtec-List-end" role="status">
      {model.error ? (
        <>
          {model.error.message} {more(trans.__('Retry'))}
        </>
      ) : model.loadingMore || !model.filter ? (
        trans.__('Loading more…')
      ) : (
        <>
          {trans.__(
            'The filter looks at the %1 rows loaded so far.',
            model.loadedCount.toLocaleString()
          )}{' '}
          {more(trans.__('Load more'))}
        </>
      )}
    </div>
  );
}
