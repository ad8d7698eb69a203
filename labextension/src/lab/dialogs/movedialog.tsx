import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRow } from '../../list/rows';
import { MoveBody } from '../../views/dialogs/MoveBody';

/** Ask before moving or copying several rows or a folder. */
export async function confirmMove(
  rows: readonly IRow[],
  target: string,
  copies: boolean,
  trans: TranslationBundle
): Promise<boolean> {
  const title = copies
    ? trans._n('Copy One Item?', 'Copy %1 Items?', rows.length)
    : trans._n('Move One Item?', 'Move %1 Items?', rows.length);
  const { button } = await showDialog({
    title,
    body: ReactWidget.create(<MoveBody rows={rows} target={target} trans={trans} />),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: copies ? trans.__('Copy') : trans.__('Move') })
    ]
  });
  return button.accept;
}
