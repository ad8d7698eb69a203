import type { TranslationBundle } from '@jupyterlab/translation';

import { formatSize } from '../../format';
import type { DeleteModel } from '../../forms/deletemodel';
import { useSignal } from '../hooks';

/** Further names are only counted. */
const MAX_NAMES = 10;

export interface IDeleteBodyProps {
  model: DeleteModel;
  trans: TranslationBundle;
}

/** What a deletion removes: names and total size. */
export function DeleteBody({ model, trans }: IDeleteBodyProps): JSX.Element {
  useSignal(model.stateChanged);
  const { rows } = model;
  const more = rows.length - MAX_NAMES;
  const folders = rows.filter(({ kind }) => kind === 'folder').length;
  return (
    <div className="odhtec-Delete">
      <ul>
        {rows.slice(0, MAX_NAMES).map(({ key, kind, name, size }) => (
          <li key={key}>
            {kind === 'folder' ? `${name}/` : name}
            {size !== undefined && <span> {formatSize(size)}</span>}
          </li>
        ))}
        {more > 0 && <li>{trans.__('and %1 more', more.toLocaleString())}</li>}
      </ul>
      {folders > 0 && (
        <p>
          {trans._n(
            'Everything in the folder is deleted as well.',
            'Everything in the %1 folders is deleted as well.',
            folders
          )}
        </p>
      )}
      <p role="status">
        <strong>{countText(model, trans)}</strong>
      </p>
      <p>{versionText(model, trans)}</p>
    </div>
  );
}

function countText({ counter }: DeleteModel, trans: TranslationBundle): string {
  const objects = trans._n('%1 object', '%1 objects', counter.objects);
  const size = formatSize(counter.bytes);
  if (counter.complete) {
    return trans.__('%1, %2', objects, size);
  }
  return counter.error
    ? trans.__('At least %1, %2. Counting failed: %3', objects, size, counter.error.message)
    : trans.__(
        '%1, %2 so far; counting… You can delete now: objects not yet counted are deleted as well.',
        objects,
        size
      );
}

function versionText({ versioning, hasFolders }: DeleteModel, trans: TranslationBundle): string {
  switch (versioning) {
    case null:
      return trans.__('Checking whether the bucket keeps versions…');
    case 'Enabled':
      return trans.__(
        'The bucket keeps versions: a delete marker hides each object, which can be restored. No space is freed.'
      );
    case 'Suspended':
      return trans.__(
        'Versioning is suspended: older versions are kept, but anything written since then is lost.'
      );
    case 'Off':
      return trans.__('The bucket does not keep versions. This cannot be undone.');
    default:
      return hasFolders
        ? trans.__(
            'It is unknown whether the bucket keeps versions. Assume that this cannot be undone.'
          )
        : trans.__('This cannot be undone.');
  }
}
