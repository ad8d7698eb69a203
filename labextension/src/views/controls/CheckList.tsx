import type { KeyboardEvent, ReactNode } from 'react';

import { useActiveRow } from './activerow';

export interface ICheckListProps {
  label: string;
  count: number;
  keyOf: (index: number) => string;
  isTicked: (index: number) => boolean;
  isDisabled?: (index: number) => boolean;
  /** Check or uncheck all rows from index `from` to `to`. */
  onTick: (from: number, to: number, on: boolean) => void;
  children: (index: number) => ReactNode;
}

/** A list of checkboxes; only the visible rows are in the page. Tab treats it as one stop; Space toggles. */
export function CheckList(props: ICheckListProps): JSX.Element {
  const { count, isTicked, onTick } = props;
  const { index: active, move, idOf, scroller, view, onKeyDown } = useActiveRow(count);
  const tick = (index: number) => onTick(index, index, !isTicked(index));
  const onKey = (event: KeyboardEvent) =>
    onKeyDown(event, {
      ' ': count ? () => tick(active) : undefined,
      a: count && (event.ctrlKey || event.metaKey) ? () => onTick(0, count - 1, true) : undefined
    });

  return (
    <div
      ref={scroller}
      role="listbox"
      className="odhtec-CheckList"
      aria-label={props.label}
      aria-multiselectable="true"
      aria-activedescendant={count ? idOf(active) : undefined}
      tabIndex={0}
      onScroll={view.onScroll}
      onKeyDown={onKey}
    >
      <div role="presentation" style={{ height: view.height }}>
        {view.indices.map(index => (
          <div
            key={props.keyOf(index)}
            id={idOf(index)}
            role="option"
            className={index === active ? 'odhtec-mod-active' : ''}
            aria-selected={isTicked(index)}
            aria-disabled={props.isDisabled?.(index)}
            aria-posinset={index + 1}
            aria-setsize={count}
            style={{ transform: `translateY(${view.topOf(index)}px)` }}
            onClick={() => {
              move(index);
              tick(index);
            }}
          >
            <input
              type="checkbox"
              tabIndex={-1}
              aria-hidden="true"
              readOnly
              disabled={props.isDisabled?.(index)}
              checked={isTicked(index)}
            />
            {props.children(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
