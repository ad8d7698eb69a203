import type { TranslationBundle } from '@jupyterlab/translation';
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type MouseEvent } from 'react';

import type { BrowserModel } from '../../list/browser';
import { beginDrag, endDrag } from '../../list/changes/dragging';
import type { UsageModel } from '../../list/usage';
import type { IBrowserActions } from '../actions';
import { useSlots, useWindow } from '../controls/window';
import { useSignal } from '../hooks';
import { ListFooter } from './ListFooter';
import { ListHeader } from './ListHeader';
import { useListKeys } from './listkeys';
import { ObjectRow } from './ObjectRow';

/** Must agree with --odhtec-row-height. */
export const ROW_HEIGHT_PX = 24;

/** The next page is requested this many rows before the end. */
const PREFETCH_ROWS = 40;

export interface IObjectListProps {
  model: BrowserModel;
  usage: UsageModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

/** The rows of a folder or a search: a grid with only the visible part in the page. */
export function ObjectList({ model, usage, actions, trans }: IObjectListProps): JSX.Element {
  useSignal(usage.stateChanged);
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, selection, hasMore, error, filter, search } = model;
  const active = model.list.indexOf(selection.active);
  const view = useWindow(scroller, rows.length, ROW_HEIGHT_PX, active);
  const { indices, topOf } = view;
  const slots = useSlots(indices.map(index => rows[index].key));
  const wantsFocus = useRef(false);
  const [hovered, setHovered] = useState<string | null>(null);
  const focusRows = useCallback(() => {
    wantsFocus.current = true;
    model.select(() => {});
  }, [model]);
  const onKeyDown = useListKeys(model, actions, view.pageRows, () => {
    wantsFocus.current = true;
  });

  // A filter with few matches would otherwise load the whole bucket; a stopped search stays stopped.
  const loadsAutomatically = hasMore && !error && !filter && !search?.cancelled;
  const nearEnd = view.last >= rows.length - PREFETCH_ROWS;
  const loaded = model.loadedCount;
  useEffect(() => {
    if (nearEnd && loadsAutomatically) {
      void model.loadMore();
    }
  }, [nearEnd, loadsAutomatically, loaded, search, model]);

  const location = `${model.bucket}/${model.prefix}`;
  useLayoutEffect(() => {
    // Scroll to the top of another folder; keep the focus in the list if the keyboard was used there.
    const node = scroller.current!;
    view.toTop();
    if (node.contains(document.activeElement) || document.activeElement === document.body) {
      wantsFocus.current = node.dataset.used === 'true';
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only when the place changes
  }, [location, search]);

  const lastActive = useRef(selection.active);
  useLayoutEffect(() => {
    const node = scroller.current!;
    const last = lastActive.current;
    lastActive.current = selection.active;
    const gone = last !== null && last !== selection.active && !model.list.has(last);
    const focused = document.activeElement;
    const moved = last !== selection.active && node.contains(focused);
    if (moved || (gone && focused === document.body)) {
      // Keep the focus on the active row, also if the focused row was removed.
      wantsFocus.current = node.dataset.used === 'true';
    }
    // The list itself has the focus only while no row is active.
    wantsFocus.current ||= focused === node && active >= 0;
    if (!wantsFocus.current || model.loading || model.renaming !== null) {
      return;
    }
    wantsFocus.current = false;
    if (active < 0) {
      node.focus();
      return;
    }
    view.reveal(active);
    node.querySelector<HTMLElement>(`[data-index="${active}"]`)?.focus({ preventScroll: true });
  });

  const rowAt = (event: MouseEvent) => {
    const node = (event.target as HTMLElement).closest<HTMLElement>('[data-index]');
    const onButton = (event.target as HTMLElement).closest('a, button, input') !== null;
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
        it.extend(model.list, row.key);
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

  const onRenamed = useCallback(
    (name: string | null) => {
      const row = model.rows[model.list.indexOf(model.renaming)];
      if (row) {
        wantsFocus.current = true;
        model.setRenaming(null);
        if (name !== null) {
          actions.rename(row, name);
        }
      }
    },
    [model, actions]
  );
  const onStopCounting = useCallback(() => usage.stopAll(), [usage]);

  return (
    <div className="odhtec-List" onKeyDown={onKeyDown}>
      <div
        role="grid"
        className="odhtec-List-grid"
        aria-label={trans.__('Objects')}
        aria-multiselectable={selection.limit > 1}
        aria-busy={model.loading}
        aria-rowcount={hasMore ? -1 : rows.length + 1}
      >
        <ListHeader model={model} gutter={view.gutter} onLeave={focusRows} trans={trans} />
        <div
          ref={scroller}
          role="rowgroup"
          className="odhtec-List-body"
          // Without an active row, the list itself can be focused, so that the arrow keys work.
          tabIndex={active < 0 ? 0 : -1}
          onScroll={view.onScroll}
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
          onMouseOver={event => setHovered(rowAt(event)?.key ?? hovered)}
          onMouseLeave={() => setHovered(null)}
          onDragStart={event => {
            const row = rowAt(event);
            if (row) {
              // Drag the selection; a row outside of it is selected first.
              if (!selection.has(row.key)) {
                model.select(it => it.only(row.key));
              }
              beginDrag(event.nativeEvent, { bucket: model.bucket!, rows: model.selectedRows });
            }
          }}
          onDragEnd={endDrag}
        >
          <div className="odhtec-List-space" role="presentation" style={{ height: view.height }}>
            {indices.map((index, position) => {
              const row = rows[index];
              return (
                <ObjectRow
                  key={slots[position]}
                  row={row}
                  index={index}
                  top={topOf(index)}
                  selected={selection.has(row.key)}
                  tabbable={index === active}
                  showsActions={index === active || row.key === hovered}
                  renaming={row.key === model.renaming}
                  usage={row.kind === 'folder' ? usage.get(model.bucket!, row.key) : undefined}
                  onRenamed={onRenamed}
                  onStopCounting={onStopCounting}
                  actions={actions}
                  trans={trans}
                />
              );
            })}
          </div>
        </div>
      </div>
      <ListFooter model={model} trans={trans} />
    </div>
  );
}
