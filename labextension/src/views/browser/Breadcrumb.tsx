import type { TranslationBundle } from '@jupyterlab/translation';
import { editIcon, ellipsesIcon, folderIcon } from '@jupyterlab/ui-components';
import { useLayoutEffect, useRef } from 'react';

import { crumbs, parseLocation, s3Uri } from '../../api/keys';
import type { BrowserModel } from '../../list/browser';
import { IconButton } from '../controls/IconButton';

/** Only the last folders are shown, the others behind an ellipsis. */
const MAX_CRUMBS = 2;

export interface IBreadcrumbProps {
  model: BrowserModel;
  /** Called when the user has entered a path or cancelled; the list gets the focus. */
  onPathEntered: () => void;
  trans: TranslationBundle;
}

/** The path of the folder. Each part can be opened or dropped on, and the whole path can be entered. */
export function Breadcrumb(props: IBreadcrumbProps): JSX.Element | null {
  const { model, trans } = props;
  const { bucket, prefix } = model;
  if (bucket === null) {
    return null;
  }
  if (model.isEditingPath) {
    return <PathField {...props} bucket={bucket} />;
  }
  const path = crumbs(prefix);
  const hidden = path.slice(0, -MAX_CRUMBS);
  const shown = path.slice(-MAX_CRUMBS);
  return (
    <nav
      className="odhtec-Crumbs"
      aria-label={trans.__('Folder path')}
      title={s3Uri(bucket, prefix)}
    >
      <button
        type="button"
        data-prefix=""
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
            data-prefix={hidden[hidden.length - 1].prefix}
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
            data-prefix={crumb.prefix}
            aria-current={index === shown.length - 1 ? 'location' : undefined}
            onClick={() => void model.open(bucket, crumb.prefix)}
          >
            {crumb.name}
          </button>
          <span aria-hidden="true">/</span>
        </span>
      ))}
      <IconButton
        icon={editIcon}
        label={trans.__('Enter a path (F4)')}
        className="odhtec-Crumbs-edit"
        onClick={() => model.setEditingPath(true)}
      />
    </nav>
  );
}

/** A text field for a path: a URI of any bucket, or a folder of this one. */
function PathField(props: IBreadcrumbProps & { bucket: string }): JSX.Element {
  const { model, bucket, onPathEntered, trans } = props;
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current!.select(), []);
  return (
    <div className="odhtec-Crumbs">
      <input
        ref={field}
        className="jp-mod-styled odhtec-Input"
        aria-label={trans.__('Path')}
        placeholder={trans.__('s3://bucket/folder/')}
        spellCheck={false}
        autoComplete="off"
        defaultValue={s3Uri(bucket, model.prefix)}
        onBlur={() => model.setEditingPath(false)}
        onKeyDown={event => {
          event.stopPropagation();
          if (event.key === 'Enter') {
            const location = parseLocation(event.currentTarget.value, bucket);
            onPathEntered();
            if (location) {
              void model.openLocation(location.bucket, location.path);
            }
          } else if (event.key === 'Escape') {
            onPathEntered();
          } else {
            return;
          }
          event.preventDefault();
        }}
      />
    </div>
  );
}
