import type { TranslationBundle } from '@jupyterlab/translation';

import { s3Uri } from '../../api/keys';
import type { Upload } from '../../tokens';
import type { FileMismatch } from '../../uploads/unfinished';

/** Return why an interrupted upload cannot be continued with a file. */
export function mismatchText(
  why: FileMismatch,
  upload: Upload,
  file: File,
  trans: TranslationBundle
): string {
  const uri = s3Uri(upload.bucket, upload.key);
  switch (why) {
    case 'name':
      return trans.__('The interrupted upload is for %1, but you chose %2.', uri, file.name);
    case 'size':
      return trans.__(
        '%1 has %2 bytes, but the file uploaded to %3 had %4.',
        file.name,
        file.size.toLocaleString(),
        uri,
        upload.size.toLocaleString()
      );
    default:
      return trans.__(
        '%1 has changed since its upload started. Discard the interrupted upload, then upload the file again.',
        file.name
      );
  }
}
