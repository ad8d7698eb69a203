import {
  Dialog,
  InputDialog,
  ReactWidget,
  showDialog,
  showErrorMessage
} from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { UploadBatch, IUploadItem } from './batch';
import { FormDialog } from './formdialog';
import { s3Uri } from './keys';
import { ApiError } from './request';
import type { IRow } from './rows';
import type { KeyFailure } from './tokens';
import type { UploadsModel } from './uploads';
import { DeleteBody } from './views/DeleteBody';
import { FailureList } from './views/FailureList';
import { ImportForm, type IImportFormProps } from './views/ImportForm';
import { SettingsForm, type ISettingsFormProps } from './views/SettingsForm';

/** What the browser asks its user, in Lab's dialogs. */
export class Dialogs {
  constructor(private readonly _trans: TranslationBundle) {}

  async confirmDelete(rows: readonly IRow[]): Promise<boolean> {
    const trans = this._trans;
    const { button } = await showDialog({
      title: trans._n('Delete one item?', 'Delete %1 items?', rows.length),
      body: ReactWidget.create(<DeleteBody rows={rows} trans={trans} />),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete') })
      ]
    });
    return button.accept;
  }

  newFolder(place: string): Promise<string | null> {
    const trans = this._trans;
    return this._name(trans.__('New folder'), trans.__('Name of the folder in %1', place));
  }

  newBucket(name: string): Promise<string | null> {
    const trans = this._trans;
    return this._name(trans.__('Create bucket'), trans.__('Name of the bucket'), name);
  }

  async askConflict(
    batch: UploadBatch,
    item: IUploadItem,
    more: boolean
  ): Promise<UploadsModel.IAnswer> {
    const trans = this._trans;
    const { button, isChecked } = await showDialog({
      title: trans.__('Replace the object?'),
      body: trans.__('%1 exists already.', s3Uri(batch.bucket, item.key)),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Skip') }),
        Dialog.okButton({ label: trans.__('Keep both'), actions: ['rename'] }),
        Dialog.warnButton({ label: trans.__('Replace'), actions: ['overwrite'] })
      ],
      defaultButton: 1,
      checkbox: more
        ? { label: trans.__('The same for all files of this upload'), checked: true }
        : null
    });
    const choice = button.actions.includes('overwrite')
      ? 'overwrite'
      : button.actions.includes('rename')
        ? 'rename'
        : 'skip';
    return { choice, all: isChecked ?? false };
  }

  async importModel(props: Omit<IImportFormProps, 'trans' | 'onCancel'>): Promise<void> {
    const trans = this._trans;
    const dialog = new FormDialog(
      trans.__('Import from Hugging Face'),
      ReactWidget.create(
        <ImportForm
          {...props}
          trans={trans}
          onStarted={transfer => {
            dialog.reject();
            props.onStarted(transfer);
          }}
          onCancel={() => dialog.reject()}
        />
      )
    );
    await dialog.launch();
    dialog.dispose();
  }

  async settings(props: Omit<ISettingsFormProps, 'trans'>): Promise<void> {
    const trans = this._trans;
    const dialog = new FormDialog(
      trans.__('Object storage settings'),
      ReactWidget.create(<SettingsForm {...props} trans={trans} />),
      [Dialog.okButton({ label: trans.__('Close') })]
    );
    await dialog.launch();
    dialog.dispose();
  }

  /** One list for all keys that failed. */
  async showFailures(title: string, failures: readonly KeyFailure[]): Promise<void> {
    await showDialog({
      title,
      body: ReactWidget.create(<FailureList failures={failures} trans={this._trans} />),
      buttons: [Dialog.okButton({ label: this._trans.__('Close') })]
    });
  }

  async showError(title: string, reason: unknown): Promise<void> {
    await showErrorMessage(title, ApiError.from(reason).message);
  }

  private async _name(title: string, label: string, text = ''): Promise<string | null> {
    const { value, button } = await InputDialog.getText({
      title,
      label,
      text,
      okLabel: this._trans.__('Create'),
      cancelLabel: this._trans.__('Cancel')
    });
    return (button.accept && value) || null;
  }
}
