import type { TranslationBundle } from '@jupyterlab/translation';
import type { FormEvent } from 'react';

import { formatAge } from '../../format';
import type { MultipartModel } from '../../forms/multipartmodel';
import { CheckList } from '../controls/CheckList';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { FailureList } from '../dialogs/FailureList';
import { useSignal } from '../hooks';

export interface IMultipartFormProps {
  model: MultipartModel;
  onClose: () => void;
  trans: TranslationBundle;
}

/** The incomplete uploads of a bucket: their age, whether they are in use, and removing them. */
export function MultipartForm({ model, onClose, trans }: IMultipartFormProps): JSX.Element {
  useSignal(model.stateChanged);
  const { uploads, busy, ticked } = model;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void model.remove();
  };
  const removable = uploads.filter(({ inUse }) => !inUse);
  return (
    <form className="odhtec-Form" onSubmit={submit} aria-busy={busy !== null}>
      <p>
        {trans.__(
          'Uploads to %1 that were started but neither completed nor aborted. They use storage, although lists of objects do not show them. S3 does not report how much.',
          model.bucket
        )}
      </p>
      {uploads.length > 0 && (
        <>
          <div className="odhtec-Quicks">
            <button
              type="button"
              className="jp-mod-styled jp-mod-reject odhtec-Quick"
              disabled={!removable.length}
              onClick={() => model.tick(removable, true)}
            >
              {trans.__('All')}
            </button>
            <button
              type="button"
              className="jp-mod-styled jp-mod-reject odhtec-Quick"
              onClick={() => model.tick(uploads, false)}
            >
              {trans.__('None')}
            </button>
          </div>
          <CheckList
            label={trans.__('Incomplete uploads')}
            count={uploads.length}
            keyOf={index => uploads[index].UploadId}
            isTicked={index => ticked.has(uploads[index].UploadId)}
            isDisabled={index => uploads[index].inUse}
            onTick={(from, to, on) => model.tick(uploads.slice(from, to + 1), on)}
          >
            {index => <Line upload={uploads[index]} trans={trans} />}
          </CheckList>
        </>
      )}
      {model.hasMore && (
        <button
          type="button"
          className="odhtec-LinkButton"
          disabled={busy !== null}
          onClick={() => void model.loadMore()}
        >
          {trans.__('Show More')}
        </button>
      )}
      {model.failures.length > 0 && <FailureList failures={model.failures} trans={trans} />}
      <FormFooter
        error={model.error?.message}
        status={statusText(model, trans)}
        onClose={onClose}
        closeLabel={trans.__('Close')}
        trans={trans}
      >
        <MainButton
          label={
            busy === 'removing'
              ? trans.__('Removing…')
              : ticked.size
                ? trans._n('Remove One Upload', 'Remove %1 Uploads', ticked.size)
                : trans.__('Remove')
          }
          warn
          disabled={!ticked.size || busy !== null}
        />
      </FormFooter>
    </form>
  );
}

function Line({
  upload,
  trans
}: {
  upload: MultipartModel['uploads'][number];
  trans: TranslationBundle;
}): JSX.Element {
  const initiated = new Date(upload.Initiated);
  return (
    <>
      <span className="odhtec-CheckList-name" title={upload.Key}>
        {upload.Key}
      </span>
      {upload.inUse && <span className="odhtec-Status">{trans.__('in use')}</span>}
      <time
        className="odhtec-CheckList-size"
        dateTime={upload.Initiated}
        title={initiated.toLocaleString()}
      >
        {formatAge(initiated, new Date(), trans)}
      </time>
    </>
  );
}

function statusText(model: MultipartModel, trans: TranslationBundle): string | null {
  const { busy, removed, uploads, loaded } = model;
  if (busy === 'loading' && !uploads.length) {
    return trans.__('Loading…');
  }
  if (removed) {
    return trans._n(
      'One upload was removed and its storage freed.',
      '%1 uploads were removed and their storage freed.',
      removed
    );
  }
  return loaded && !uploads.length ? trans.__('There are no incomplete uploads.') : null;
}
