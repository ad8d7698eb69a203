import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import type { KeyboardEvent } from 'react';

import type { BrowserModel } from '../../list/browser';
import type { Column } from '../../list/order';

/** The column headers. The arrow keys move between them and the first row, so that Tab treats the list as one stop. */
export function ListHeader(props: {
  model: BrowserModel;
  /** The width of the scroll bar of the rows. */
  gutter: number;
  /** Called to move the focus back to the rows. */
  onLeave: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, gutter, onLeave, trans } = props;
  const { order } = model;
  const header = (column: Column, label: string, style: string) => {
    const sorted = order.column === column;
    const Caret = order.descending ? caretDownIcon : caretUpIcon;
    return (
      <span
        role="columnheader"
        className={style}
        aria-sort={sorted ? (order.descending ? 'descending' : 'ascending') : 'none'}
      >
        <button type="button" tabIndex={-1} onClick={() => model.sortBy(column)}>
          <span>{label}</span>
          {sorted && <Caret.react tag="span" aria-hidden="true" />}
        </button>
      </span>
    );
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const { key } = event;
    if (key === 'ArrowDown') {
      onLeave();
    } else if (key === 'ArrowLeft' || key === 'ArrowRight') {
      moveFocus(event, key === 'ArrowRight' ? 1 : -1);
    } else {
      // Enter and Space press the button; other keys are left to the list or Lab.
      if (key === 'Enter' || key === ' ') {
        event.stopPropagation();
      }
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      role="row"
      className="odhtec-List-header"
      style={{ paddingRight: 12 + gutter }}
      aria-rowindex={1}
      onKeyDown={onKeyDown}
    >
      {header('name', trans.__('Name'), 'odhtec-Row-name')}
      {header('size', trans.__('Size'), 'odhtec-Row-size')}
      {header('modified', trans.__('Age'), 'odhtec-Row-age')}
      {header('modified', trans.__('Modified'), 'odhtec-Row-date')}
      <span role="columnheader" className="odhtec-Row-class">
        {trans.__('Class')}
      </span>
    </div>
  );
}

/** Some columns are hidden in a narrow list. */
function moveFocus(event: KeyboardEvent<HTMLElement>, step: number): void {
  const buttons = [...event.currentTarget.querySelectorAll('button')].filter(
    button => button.offsetParent !== null || button === event.target
  );
  buttons[buttons.indexOf(event.target as HTMLButtonElement) + step]?.focus();
}
