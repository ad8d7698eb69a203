import { useRef, type KeyboardEvent } from 'react';

import type { BrowserModel } from '../../list/browser';
import type { IBrowserActions } from '../actions';

/** Letters typed within this time form one search text. */
const TYPE_AHEAD_MS = 1000;

/** Handles the keys of the list: a grid with one row in the tab order, whose focus the arrow keys move. */
export function useListKeys(
  model: BrowserModel,
  actions: IBrowserActions,
  pageRows: number,
  onMoved: () => void
): (event: KeyboardEvent<HTMLElement>) => void {
  const typed = useRef({ text: '', at: 0 });

  const go = (index: number, event: KeyboardEvent) => {
    const { rows } = model;
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (!row) {
      return;
    }
    model.select(selection => {
      if (event.shiftKey) {
        selection.extend(model.list, row.key);
      } else if (event.ctrlKey || event.metaKey) {
        selection.focus(row.key);
      } else {
        selection.only(row.key);
      }
    });
    onMoved();
  };

  const typeAhead = (event: KeyboardEvent, current: number) => {
    const { rows } = model;
    const now = event.timeStamp;
    const going = now - typed.current.at < TYPE_AHEAD_MS ? typed.current.text : '';
    const text = going + event.key.toLocaleLowerCase();
    typed.current = { text, at: now };
    // One letter moves to the next match; more letters may stay on the current row.
    const from = text.length > 1 ? Math.max(current, 0) : current + 1;
    for (let step = 0; step < rows.length; step++) {
      const index = (from + step) % rows.length;
      if (rows[index].name.slice(0, text.length).toLocaleLowerCase() === text) {
        go(index, event);
        return;
      }
    }
  };

  /** Go to the last row of the folder, loading all rows first. */
  const goToEnd = async (event: KeyboardEvent) => {
    const { bucket, prefix } = model;
    await model.loadAll();
    if (model.bucket === bucket && model.prefix === prefix && !model.hasMore) {
      go(model.rows.length - 1, event);
    }
  };

  /** Stop what is running, else clear the selection, else close the search. */
  const escape = () => {
    if (model.loadingAll || (model.search?.running ?? false)) {
      model.stop();
    } else if (model.selection.keys.size) {
      model.select(it => it.clear());
    } else if (model.search) {
      model.endSearch();
    } else {
      return false;
    }
    return true;
  };

  return event => {
    const { rows, selection } = model;
    const current = model.list.indexOf(selection.active);
    const command = event.ctrlKey || event.metaKey;
    const onButton = (event.target as HTMLElement).closest('a, button') !== null;
    if (onButton && ['Enter', ' '].includes(event.key)) {
      return;
    }
    if (event.altKey) {
      if (event.key !== 'ArrowUp') {
        return;
      }
      void model.up();
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const moves: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current < 0 ? 0 : current - 1,
      PageDown: current + pageRows,
      PageUp: current - pageRows,
      Home: 0,
      End: rows.length - 1
    };
    if (event.key === 'ArrowUp' && current <= 0 && !event.shiftKey && !command) {
      focusHeader(event);
    } else if (event.key === 'End' && command && model.hasMore && !model.search) {
      void goToEnd(event);
    } else if (event.key in moves) {
      go(moves[event.key], event);
    } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      moveInRow(event);
    } else if (event.key === 'Enter' && !command) {
      if (current >= 0) {
        actions.openRow(rows[current]);
      }
    } else if (event.key === 'Backspace') {
      void model.up();
    } else if (event.key === 'Delete') {
      actions.remove(selection.keys.size ? model.selectedRows : rows.slice(current, current + 1));
    } else if (event.key === 'F2') {
      if (current >= 0) {
        actions.startRenaming(rows[current].key);
      }
    } else if (event.key === 'Escape') {
      if (!escape()) {
        return;
      }
    } else if (event.key === ' ' && !command && rows[current]?.kind === 'file') {
      actions.previewRow(rows[current]);
    } else if (event.key === ' ' && current >= 0) {
      model.select(it => it.toggle(rows[current].key));
    } else if (command && event.key.toLowerCase() === 'a') {
      model.select(it => it.all(rows.map(({ key }) => key)));
    } else if (!command && event.key.length === 1) {
      typeAhead(event, current);
    } else {
      return;
    }
    event.preventDefault();
    // Lab has its own shortcuts for some of these keys.
    event.stopPropagation();
  };
}

/** Move between the row and its buttons with the left and right arrow keys. */
function moveInRow(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>('[role=row]');
  const buttons = row ? [row, ...row.querySelectorAll<HTMLElement>('a, button')] : [];
  const step = event.key === 'ArrowRight' ? 1 : -1;
  buttons[buttons.indexOf(target) + step]?.focus();
}

/** Focus the column headers above the first row. */
function focusHeader(event: KeyboardEvent<HTMLElement>): void {
  event.currentTarget.querySelector<HTMLElement>('[role=columnheader] button')?.focus();
}
