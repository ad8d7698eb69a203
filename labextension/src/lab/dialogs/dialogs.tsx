import {
  Dialog,
  InputDialog,
  ReactWidget,
  showDialog,
  showErrorMessage
} from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { s3Uri } from '../../api/keys';
import { ApiError } from '../../api/request';
import { formatSize } from '../../format';
import type { KeyFailure, Upload } from '../../tokens';
import type { UploadBatch, IUploadItem } from '../../uploads/batch';
import type { IAnswer } from '../../uploads/conflicts';
import { FailureList } from '../../views/dialogs/FailureList';
import { SettingsForm, type ISettingsFormProps } from '../../views/forms/SettingsForm';
import { FormDialog } from './formdialog';

/** The browser's questions to the user, in Lab's dialogs. */
export class Dialogs {
  constructor(private readonly _trans: TranslationBundle) {}

  newFolder(location: string): Promise<string | null> {
    const trans = this._trans;
    return this._name(trans.__('New Folder'), trans.__('Name of the new folder in %1', location));
  }

  newBucket(name: string): Promise<string | null> {
    const trans = this._trans;
    return this._name(trans.__('Create Bucket'), trans.__('Bucket name'), name);
  }

  async askConflict(batch: UploadBatch, item: IUploadItem, more: boolean): Promise<IAnswer> {
    const trans = this._trans;
    const { button, isChecked } = await showDialog({
      title: trans.__('Replace Object?'),
      body: trans.__('%1 already exists.', s3Uri(batch.bucket, item.key)),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Skip') }),
        Dialog.okButton({ label: trans.__('Keep Both'), actions: ['rename'] }),
        Dialog.warnButton({ label: trans.__('Replace'), actions: ['overwrite'] })
      ],
      defaultButton: 1,
      checkbox: more
        ? { label: trans.__('Do this for all files of this upload'), checked: true }
        : null
    });
    const choice = button.actions.includes('overwrite')
      ? 'overwrite'
      : button.actions.includes('rename')
        ? 'rename'
        : 'skip';
    return { choice, all: isChecked ?? false };
  }

  async confirmDiscard({ bucket, key, bytesDone }: Upload): Promise<boolean> {
    const trans = this._trans;
    const { button } = await showDialog({
      title: trans.__('Discard Interrupted Upload?'),
      body: trans.__(
        'The uploaded %1 of %2 will be deleted. The file on your computer is not changed.',
        formatSize(bytesDone),
        s3Uri(bucket, key)
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Discard') })
      ]
    });
    return button.accept;
  }

  /** Ask for a Hugging Face token for one transfer; returns null if none is given. */
  async askToken(title: string): Promise<string | null> {
    const trans = this._trans;
    const { value, button } = await InputDialog.getPassword({
      title,
      label: trans.__('Hugging Face token (sent once and not stored)'),
      okLabel: trans.__('Resume'),
      cancelLabel: trans.__('Cancel')
    });
    return (button.accept && value?.trim()) || null;
  }

  async settings(props: Omit<ISettingsFormProps, 'trans'>): Promise<void> {
    const trans = this._trans;
    const dialog = new FormDialog(
      trans.__('Object Storage Settings'),
      ReactWidget.create(<SettingsForm {...props} trans={trans} />),
      { buttons: [Dialog.okButton({ label: trans.__('Close') })] }
    );
    await dialog.launch();
    dialog.dispose();
  }

  /** Show all keys that failed in one list. */
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
