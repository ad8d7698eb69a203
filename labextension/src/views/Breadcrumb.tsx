import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon, folderIcon } from '@jupyterlab/ui-components';

import type { BrowserModel } from '../browser';
import { crumbs, s3Uri } from '../keys';

/** More folders than these are behind an ellipsis: the last ones tell where one is. */
const SHOWN = 2;

/** The way to the folder; every part of it can be opened. */
export function Breadcrumb({
  model,
  trans
}: {
  model: BrowserModel;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { bucket, prefix } = model;
  if (bucket === null) {
    return null;
  }
  const path = crumbs(prefix);
  const hidden = path.slice(0, -SHOWN);
  const shown = path.slice(-SHOWN);
  return (
    <nav className="odhtec-Crumbs" aria-label={trans.__('Folder')} title={s3Uri(bucket, prefix)}>
      <button
        type="button"
        aria-label={trans.__('Top level of %1', bucket)}
        onClick={() => void model.open(bucket)}
      >
        <folderIcon.react tag="span" aria-hidden="true" />
      </button>
      <span aria-hidden="true">/</span>
      {hidden.length > 0 && (
        <>
          <button
            type="button"
            aria-label={trans.__('Up to %1', hidden[hidden.length - 1].name)}
            title={hidden.map(({ name }) => name).join('/')}
            onClick={() => void model.open(bucket, hidden[hidden.length - 1].prefix)}
          >
            <ellipsesIcon.react tag="span" aria-hidden="true" />
          </button>
          <span aria-hidden="true">/</span>
        </>
      )}
      {shown.map((crumb, index) => (
        <span key={crumb.prefix} className="odhtec-Crumbs-part">
          <button
            type="button"
            aria-current={index === shown.length - 1 ? 'location' : undefined}
            onClick={() => void model.open(bucket, crumb.prefix)}
          >
            {crumb.name}
          </button>
          <span aria-hidden="true">/</span>
        </span>
      ))}
    </nav>
  );
}
