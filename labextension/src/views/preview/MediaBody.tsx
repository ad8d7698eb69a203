import { useEffect, useState } from 'react';

import { ApiError } from '../../api/request';
import { baseName } from '../../drive/documents';
import { formatSize } from '../../format';
import type { IBodyProps, Kind } from './bodyprops';

/** The browser draws the image; inside `img` it cannot run scripts. */
export function ImageBody({ object, renderers, trans }: IBodyProps<Kind<'image'>>): JSX.Element {
  const [failed, setFailed] = useState(false);
  if (failed) {
    return (
      <p className="odhtec-Preview-empty">{trans.__('The browser cannot show this image.')}</p>
    );
  }
  return (
    <div className="odhtec-Preview-media">
      <img
        src={renderers.viewUrl(object)}
        alt={baseName(object.key)}
        onError={() => setFailed(true)}
      />
    </div>
  );
}

/**
 * The browser's own PDF viewer. It does not work in a sandboxed frame, so it gets the bytes, typed as PDF and nothing
 * else.
 */
export function PdfBody({
  preview,
  object,
  renderers,
  trans
}: IBodyProps<Kind<'pdf'>>): JSX.Element {
  const [url, setUrl] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const limit = renderers.sizeLimit();
  const fits = preview.size <= limit;
  useEffect(() => {
    if (!fits) {
      return;
    }
    const abort = new AbortController();
    let made: string | null = null;
    renderers.pdfUrl(object, abort.signal).then(
      url => {
        if (abort.signal.aborted) {
          URL.revokeObjectURL(url);
        } else {
          made = url;
          setUrl(url);
        }
      },
      reason => {
        if (!abort.signal.aborted) {
          setError(ApiError.from(reason).message);
        }
      }
    );
    return () => {
      abort.abort();
      if (made) {
        URL.revokeObjectURL(made);
      }
    };
  }, [object, renderers, fits]);
  if (!fits) {
    return (
      <p className="odhtec-Preview-empty">
        {trans.__(
          'This document is larger than %1, so it is not shown here. Download it to read it.',
          formatSize(limit)
        )}
      </p>
    );
  }
  if (error) {
    return (
      <p className="odhtec-Preview-empty" role="alert">
        {error}
      </p>
    );
  }
  return url ? (
    <iframe className="odhtec-Preview-pdf" src={url} title={baseName(object.key)} />
  ) : (
    <div className="odhtec-Preview-loading" role="status">
      {trans.__('Loading…')}
    </div>
  );
}
