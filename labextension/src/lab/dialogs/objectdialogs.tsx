import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { CopyModel } from '../../forms/copymodel';
import type { DeleteModel } from '../../forms/deletemodel';
import type { DetailsModel } from '../../forms/detailsmodel';
import type { ImportModel } from '../../forms/importmodel';
import type { MultipartModel } from '../../forms/multipartmodel';
import type { ShareModel } from '../../forms/sharemodel';
import type { VersionsModel } from '../../forms/versionsmodel';
import type { IRow } from '../../list/rows';
import type { SizeCounter } from '../../list/sizecounter';
import type { Transfer } from '../../tokens';
import { DeleteBody } from '../../views/dialogs/DeleteBody';
import { CopyForm } from '../../views/forms/CopyForm';
import { ImportForm } from '../../views/forms/ImportForm';
import { MultipartForm } from '../../views/forms/MultipartForm';
import { PropertiesForm } from '../../views/forms/PropertiesForm';
import { ShareForm } from '../../views/forms/ShareForm';
import { SizeForm } from '../../views/forms/SizeForm';
import { FormDialog } from './formdialog';

/** The dialogs for objects. Each disposes its model and restores the focus when it is closed. */
export class ObjectDialogs {
  constructor(private readonly _options: ObjectDialogs.IOptions) {}

  async importModel(model: ImportModel, onStarted: (transfer: Transfer) => void): Promise<void> {
    const { trans } = this._options;
    await this._form(trans.__('Import from Hugging Face'), [model], close => (
      <ImportForm
        model={model}
        onStarted={transfer => {
          close();
          onStarted(transfer);
        }}
        onClose={close}
        trans={trans}
      />
    ));
  }

  async copy(model: CopyModel, onStarted: (transfer: Transfer) => void): Promise<void> {
    const { trans } = this._options;
    const title = model.action === 'move' ? trans.__('Move') : trans.__('Copy');
    const focus = 'input[name=folder]';
    await this._form(
      title,
      [model],
      close => <CopyForm model={model} onStarted={onStarted} onClose={close} trans={trans} />,
      focus
    );
  }

  async share(model: ShareModel): Promise<void> {
    const { trans } = this._options;
    await this._form(
      trans.__('Share Link'),
      [model],
      close => <ShareForm model={model} onClose={close} trans={trans} />,
      'input:checked'
    );
  }

  async properties(model: DetailsModel, versions: VersionsModel): Promise<void> {
    const { trans } = this._options;
    await this._form(
      trans.__('Properties'),
      [model, versions],
      close => <PropertiesForm model={model} versions={versions} onClose={close} trans={trans} />,
      '[role=tab]'
    );
  }

  async showSize(bucket: string, rows: readonly IRow[], counter: SizeCounter): Promise<void> {
    const { trans } = this._options;
    await this._form(
      trans.__('Properties'),
      [counter],
      close => <SizeForm {...{ bucket, rows, counter, trans }} onClose={close} />,
      '.odhtec-Form-buttons button'
    );
  }

  async multiparts(model: MultipartModel): Promise<void> {
    const { trans } = this._options;
    await this._form(
      trans.__('Incomplete Uploads'),
      [model],
      close => <MultipartForm model={model} onClose={close} trans={trans} />,
      '.odhtec-Form-buttons button'
    );
  }

  async confirmDelete(model: DeleteModel): Promise<boolean> {
    const { trans } = this._options;
    const { rows, hasFolders } = model;
    const { button } = await showDialog({
      title: trans._n('Delete One Item?', 'Delete %1 Items?', rows.length),
      body: ReactWidget.create(<DeleteBody model={model} trans={trans} />),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete') })
      ],
      // The Delete and Enter keys are close together, so Enter must not confirm deleting a folder.
      defaultButton: hasFolders ? 0 : 1
    });
    model.dispose();
    this._refocus();
    return button.accept;
  }

  async confirmDeleteBucket(bucket: string): Promise<boolean> {
    const { trans } = this._options;
    const { button } = await showDialog({
      title: trans.__('Delete Bucket?'),
      body: trans.__(
        'Anyone can then create a bucket named “%1” and receive data still sent to it.',
        bucket
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete') })
      ],
      defaultButton: 0
    });
    this._refocus();
    return button.accept;
  }

  private async _form(
    title: string,
    models: readonly IDisposable[],
    view: (close: () => void) => JSX.Element,
    focus?: string
  ): Promise<void> {
    const body = ReactWidget.create(view(() => dialog.reject()));
    const dialog: FormDialog = new FormDialog(title, body, { focus });
    await dialog.launch();
    dialog.dispose();
    models.forEach(model => model.dispose());
    this._refocus();
  }

  /** Lab returns the focus to its previous owner, but a menu that had it is closed. */
  private _refocus(): void {
    if (document.activeElement === document.body || document.activeElement === null) {
      this._options.focus();
    }
  }
}

export namespace ObjectDialogs {
  export interface IOptions {
    trans: TranslationBundle;
    /** Focus the panel. */
    focus: () => void;
  }
}
