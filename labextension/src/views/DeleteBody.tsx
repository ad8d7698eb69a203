import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRow } from '../rows';

/** More names than these are only counted. */
const NAMED = 10;

/** What a deletion takes, name by name. */
export function DeleteBody({
  rows,
  trans
}: {
  rows: readonly IRow[];
  trans: TranslationBundle;
}): JSX.Element {
  const more = rows.length - NAMED;
  const folders = rows.filter(({ kind }) => kind === 'folder').length;
  return (
    <div className="odhtec-Delete">
      <ul>
        {rows.slice(0, NAMED).map(({ key, kind, name }) => (
          <li key={key}>{kind === 'folder' ? `${name}/` : name}</li>
        ))}
        {more > 0 && <li>{trans.__('and %1 more', more.toLocaleString())}</li>}
      </ul>
      {folders > 0 && (
        <p>
          {trans._n(
            'Everything below the folder is deleted, too.',
            'Everything below the %1 folders is deleted, too.',
            folders
          )}
        </p>
      )}
      <p>{trans.__('This cannot be undone.')}</p>
    </div>
  );
}
