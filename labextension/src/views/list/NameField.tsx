import type { TranslationBundle } from '@jupyterlab/translation';
import { useLayoutEffect, useRef } from 'react';

import { lastName } from '../../api/keys';
import type { IRow } from '../../list/rows';

/** Edits a row's name: Enter accepts it; Esc or leaving the field cancels. */
export function NameField(props: {
  row: IRow;
  onDone: (name: string | null) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { row, onDone, trans } = props;
  const field = useRef<HTMLInputElement>(null);
  const name = lastName(row.key);
  useLayoutEffect(() => {
    // Select the part before the extension, as Lab's own file browser does.
    const dot = row.kind === 'file' ? name.lastIndexOf('.') : -1;
    field.current!.focus();
    field.current!.setSelectionRange(0, dot > 0 ? dot : name.length);
  }, [row.kind, name]);
  return (
    <input
      ref={field}
      className="odhtec-Row-field"
      defaultValue={name}
      spellCheck={false}
      aria-label={trans.__('New name for %1', name)}
      onClick={event => event.stopPropagation()}
      onDoubleClick={event => event.stopPropagation()}
      onBlur={() => onDone(null)}
      onKeyDown={event => {
        event.stopPropagation();
        if (event.key === 'Enter') {
          event.preventDefault();
          onDone(event.currentTarget.value);
        } else if (event.key === 'Escape') {
          event.preventDefault();
          onDone(null);
        }
      }}
    />
  );
}
