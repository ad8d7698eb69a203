import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon, downloadIcon, editIcon, fileIcon, refreshIcon } from '@jupyterlab/ui-components';
import { useEffect, useRef, type ReactNode } from 'react';

import { s3Uri } from '../../api/keys';
import { baseName } from '../../drive/documents';
import { formatSize } from '../../format';
import type { PreviewModel } from '../../preview/previewmodel';
import type { Preview } from '../../tokens';
import { IconButton } from '../controls/IconButton';
import { useSignal } from '../hooks';
import type { IRenderers } from './bodyprops';
import { PreviewBody } from './PreviewBody';

export interface IPreviewActions {
  downloadUrl(): string;
  copyUri(): void;
  /** Null if no editor can open it. */
  edit: ((size: number | undefined) => void) | null;
  /** Return whether the size is below the limit of editors. */
  fits(size: number | undefined): boolean;
}

export interface IPreviewViewProps {
  model: PreviewModel;
  actions: IPreviewActions;
  renderers: IRenderers;
  trans: TranslationBundle;
}

/** The preview of one object, with its actions. */
export function PreviewView(props: IPreviewViewProps): JSX.Element {
  const { model, trans } = props;
  useSignal(model.stateChanged);
  const { preview, loading, error } = model;
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The preview was opened by the keyboard and could not be focused before it was loaded.
    if (preview && document.activeElement === root.current?.parentElement) {
      focusBody(root.current);
    }
  }, [preview]);
  return (
    <div ref={root} className="odhtec-Preview" aria-busy={loading}>
      <Header {...props} />
      <ChangedNotice {...props} />
      <div className="odhtec-Preview-body">
        {error ? (
          <State title={errorTitle(error.status, trans)} alert>
            <p>{error.message}</p>
            <button
              type="button"
              className="jp-mod-styled jp-mod-reject odhtec-State-action"
              onClick={() => void model.load()}
            >
              {trans.__('Retry')}
            </button>
          </State>
        ) : preview ? (
          <PreviewBody
            // Other content gets a new body, scrolled to the top and without a filter.
            key={preview.ETag}
            preview={preview}
            object={model.object}
            renderers={props.renderers}
            trans={trans}
          />
        ) : (
          <div className="odhtec-Preview-loading" role="status">
            {trans.__('Loading…')}
          </div>
        )}
      </div>
      {preview && !error && <Footer preview={preview} trans={trans} />}
    </div>
  );
}

/** Focus the part that the arrow keys scroll. */
export function focusBody(node: HTMLElement | null): boolean {
  const body = node?.querySelector<HTMLElement>('[role=region], .cm-content');
  body?.focus();
  return Boolean(body);
}

function Header({ model, actions, trans }: IPreviewViewProps): JSX.Element {
  const { bucket, key } = model.object;
  const name = baseName(key) || key;
  const size = model.preview?.size;
  const refusal = model.preview && editRefusal(model.preview, actions.fits(size), trans);
  return (
    <div className="odhtec-Preview-head" role="toolbar" aria-label={trans.__('Preview')}>
      <fileIcon.react tag="span" className="odhtec-Preview-icon" aria-hidden="true" />
      <span className="odhtec-Preview-name" title={s3Uri(bucket, key)}>
        {name}
      </span>
      {actions.edit && isEditable(model.preview) && (
        <IconButton
          icon={editIcon}
          label={refusal ?? trans.__('Open in Editor')}
          disabled={refusal !== null}
          onClick={() => actions.edit?.(size)}
        />
      )}
      <a
        className="odhtec-IconButton"
        href={actions.downloadUrl()}
        download={name}
        title={trans.__('Download')}
        aria-label={trans.__('Download')}
      >
        <downloadIcon.react tag="span" aria-hidden="true" />
      </a>
      <IconButton icon={copyIcon} label={trans.__('Copy URI')} onClick={() => actions.copyUri()} />
      <IconButton icon={refreshIcon} label={trans.__('Reload')} onClick={() => void model.load()} />
    </div>
  );
}

/** Return whether an editor or a viewer of Lab can show it. */
function isEditable(preview: Preview | null): boolean {
  switch (preview?.kind) {
    case 'text':
    case 'notebook':
    case 'image':
      return true;
    case 'table':
      return !['parquet', 'arrow'].includes(preview.format);
    default:
      return false;
  }
}

/** Return why no editor can open it (it would save something else than what is stored), or null. */
function editRefusal(preview: Preview, fits: boolean, trans: TranslationBundle): string | null {
  if (preview.compression) {
    return trans.__('Compressed with %1, so an editor would damage it', preview.compression);
  }
  const encoding = encodingOf(preview);
  if (encoding && encoding !== 'utf-8') {
    return trans.__('Not UTF-8 text, so an editor would damage it');
  }
  return fits
    ? null
    : trans.__('Larger than the size limit of editors, which you can change in the settings');
}

function encodingOf(preview: Preview): string | undefined {
  switch (preview.kind) {
    case 'text':
      return preview.encoding;
    case 'table':
      return preview.metadata.encoding;
    default:
      return undefined;
  }
}

/** Says that the stored object is no longer the one shown. */
function ChangedNotice({ model, trans }: IPreviewViewProps): JSX.Element | null {
  if (model.storedState === 'same' || model.error) {
    return null;
  }
  return (
    <div className="odhtec-Preview-since" role="status">
      {model.storedState === 'changed' ? (
        <>
          {trans.__('The object has changed since it was read.')}{' '}
          <button type="button" className="odhtec-LinkButton" onClick={() => void model.load()}>
            {trans.__('Reload')}
          </button>
        </>
      ) : (
        trans.__('The object has been deleted since it was read.')
      )}
    </div>
  );
}

function Footer({ preview, trans }: { preview: Preview; trans: TranslationBundle }): JSX.Element {
  const { size, contentType, bytesRead, note } = preview;
  const facts = [
    ...kindFacts(preview, trans),
    preview.compression ?? '',
    contentType,
    size < 1024
      ? trans._n('%1 byte', '%1 bytes', size)
      : `${formatSize(size)} (${trans.__('%1 bytes', size.toLocaleString())})`,
    bytesRead < size ? trans.__('%1 read', formatSize(bytesRead)) : ''
  ];
  return (
    <div className="odhtec-Preview-foot">
      {note && (
        <p className="odhtec-Preview-note" role="note">
          {note}
        </p>
      )}
      <p>{facts.filter(Boolean).join(' · ')}</p>
    </div>
  );
}

function kindFacts(preview: Preview, trans: TranslationBundle): string[] {
  switch (preview.kind) {
    case 'table':
      return [preview.format];
    case 'text':
      return [preview.language ?? trans.__('plain text'), preview.encoding];
    case 'tensors':
    case 'archive':
      return [preview.format];
    case 'image':
      return preview.width && preview.height ? [`${preview.width} × ${preview.height}`] : [];
    case 'notebook':
      return [
        trans._n('%1 cell', '%1 cells', preview.cellCount),
        ...(preview.language ? [preview.language] : [])
      ];
    default:
      return [];
  }
}

function errorTitle(status: number, trans: TranslationBundle): string {
  switch (status) {
    case 404:
      return trans.__('Object not found');
    case 403:
      return trans.__('No permission');
    default:
      return trans.__('The object could not be read');
  }
}

function State(props: { title: string; alert?: boolean; children: ReactNode }): JSX.Element {
  return (
    <div className="odhtec-Preview-state" role={props.alert ? 'alert' : 'status'}>
      <h3>{props.title}</h3>
      {props.children}
    </div>
  );
}
