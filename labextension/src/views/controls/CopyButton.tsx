import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

/** Copies a text to the clipboard and confirms that. */
export function CopyButton({
  text,
  trans
}: {
  text: string;
  trans: TranslationBundle;
}): JSX.Element {
  const [copied, setCopied] = useState<string | null>(null);
  return (
    <button
      type="button"
      className="jp-mod-styled jp-mod-accept"
      onClick={() => {
        Clipboard.copyToSystem(text);
        setCopied(text);
      }}
    >
      <span aria-live="polite">{copied === text ? trans.__('Copied') : trans.__('Copy')}</span>
    </button>
  );
}
