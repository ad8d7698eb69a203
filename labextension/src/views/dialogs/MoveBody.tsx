import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRow } from '../../list/rows';

/** Further names are only counted. */
const MAX_NAMES = 10;

/** What is moved or copied, and where to. */
export function MoveBody(props: {
  rows: readonly IRow[];
  target: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { rows, target, trans } = props;
  const more = rows.length - MAX_NAMES;
  return (
    <div className="odhtec-Delete">
      <ul>
        {rows.slice(0, MAX_NAMES).map(({ key, name, kind }) => (
          <li key={key}>
            {kind === 'folder' ? trans.__('%1 and everything in it', `${name}/`) : name}
          </li>
        ))}
        {more > 0 && <li>{trans._n('and one more', 'and %1 more', more)}</li>}
      </ul>
      <p>{trans.__('To %1. Existing objects are not replaced.', target)}</p>
    </div>
  );
}
