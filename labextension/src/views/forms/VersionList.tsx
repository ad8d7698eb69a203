import type { TranslationBundle } from '@jupyterlab/translation';

import { formatSize } from '../../format';
import type { VersionsModel } from '../../forms/versionsmodel';
import type { ObjectVersion } from '../../tokens';
import { useSignal } from '../hooks';

export interface IVersionListProps {
  model: VersionsModel;
  trans: TranslationBundle;
}

/** The versions of an object: open, download, restore or delete one. */
export function VersionList({ model, trans }: IVersionListProps): JSX.Element {
  useSignal(model.stateChanged);
  return (
    <section aria-label={trans.__('Versions')} aria-busy={model.busy !== null}>
      <p>{versioningText(model, trans)}</p>
      <ul className="odhtec-Versions">
        {model.versions.map(version => (
          <Version key={version.VersionId} version={version} model={model} trans={trans} />
        ))}
      </ul>
      {model.error && (
        <div className="odhtec-Form-error" role="alert">
          {model.error.message}
        </div>
      )}
      {model.hasMore && (
        <button
          type="button"
          className="odhtec-LinkButton"
          disabled={model.busy !== null}
          onClick={() => void model.loadMore()}
        >
          {trans.__('Show More')}
        </button>
      )}
    </section>
  );
}

function Version({
  version,
  model,
  trans
}: IVersionListProps & { version: ObjectVersion }): JSX.Element {
  const { VersionId: id, LastModified: time, Size: size, deleteMarker } = version;
  const when = time ? new Date(time).toLocaleString() : id;
  const facts = [
    deleteMarker ? trans.__('delete marker') : size !== null && formatSize(size),
    version.IsLatest && trans.__('current'),
    version.StorageClass
  ];
  return (
    <li aria-label={when}>
      <span title={id}>
        {when} <span className="odhtec-Field-hint">{facts.filter(Boolean).join(' · ')}</span>
      </span>
      {model.pendingDelete === id ? (
        <Confirm version={version} model={model} trans={trans} />
      ) : (
        <Buttons version={version} model={model} trans={trans} />
      )}
    </li>
  );
}

function Buttons({
  version,
  model,
  trans
}: IVersionListProps & { version: ObjectVersion }): JSX.Element {
  const { VersionId: id, deleteMarker, IsLatest: isLatest } = version;
  const busy = model.busy !== null;
  return (
    <span className="odhtec-Versions-buttons">
      {!deleteMarker && (
        <>
          <a
            className="odhtec-Link"
            href={model.url(version, 'view')}
            target="_blank"
            rel="noopener"
          >
            {trans.__('Open')}
          </a>
          <a className="odhtec-Link" href={model.url(version, 'download')} download>
            {trans.__('Download')}
          </a>
        </>
      )}
      {!deleteMarker && !isLatest && (
        <button
          type="button"
          className="odhtec-LinkButton"
          disabled={busy}
          onClick={() => void model.restore(id)}
        >
          {trans.__('Restore')}
        </button>
      )}
      <button
        type="button"
        className="odhtec-LinkButton"
        disabled={busy}
        onClick={() => model.askDelete(id)}
      >
        {trans.__('Delete')}
      </button>
    </span>
  );
}

/** In the list itself, because a second dialog would open only after this one is closed. */
function Confirm({
  version,
  model,
  trans
}: IVersionListProps & { version: ObjectVersion }): JSX.Element {
  return (
    <span className="odhtec-Versions-buttons" role="alert">
      {version.deleteMarker
        ? trans.__('Deleting the marker restores the previous version.')
        : trans.__('This version will be permanently deleted.')}
      <button
        type="button"
        className="odhtec-LinkButton odhtec-mod-warn"
        autoFocus
        onClick={() => void model.remove(version.VersionId)}
      >
        {trans.__('Delete Version')}
      </button>
      <button type="button" className="odhtec-LinkButton" onClick={() => model.askDelete(null)}>
        {trans.__('Cancel')}
      </button>
    </span>
  );
}

function versioningText({ versioning }: VersionsModel, trans: TranslationBundle): string {
  switch (versioning) {
    case null:
      return trans.__('Loading…');
    case 'Enabled':
      return trans.__(
        'The bucket keeps versions. Restoring a version makes it the newest and deletes nothing.'
      );
    case 'Suspended':
      return trans.__(
        'Versioning is suspended: existing versions are kept, but no new ones are created.'
      );
    case 'Off':
      return trans.__('The bucket does not keep versions.');
    default:
      return trans.__('The store does not report whether the bucket keeps versions.');
  }
}
