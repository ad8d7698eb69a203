import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { ConnectionModel } from '../../forms/connectionmodel';
import type { ConnectionTestModel } from '../../forms/connectiontestmodel';
import { ConnectionForm } from '../../views/connections/ConnectionForm';
import { ConnectionTestForm } from '../../views/connections/ConnectionTestForm';
import { visible } from '../../visible';
import { FormDialog } from './formdialog';

/** The dialogs for connections. */
export class ConnectionDialogs {
  constructor(private readonly _options: ConnectionDialogs.IOptions) {}

  async add(model: ConnectionModel, onAdded: (name: string) => void): Promise<void> {
    const { trans } = this._options;
    await this._form(
      trans.__('Add Connection'),
      model,
      close => (
        <ConnectionForm
          model={model}
          onAdded={({ name }) => {
            close();
            onAdded(name);
          }}
          onClose={close}
          trans={trans}
        />
      ),
      'input[name=name]'
    );
  }

  async test(model: ConnectionTestModel, readOnlyReason: string | null): Promise<void> {
    const { trans } = this._options;
    await this._form(
      trans.__('Test Connection'),
      model,
      close => (
        <ConnectionTestForm
          model={model}
          readOnlyReason={readOnlyReason}
          onClose={close}
          trans={trans}
        />
      ),
      '.odhtec-Form-buttons button'
    );
  }

  confirmRemove(title: string): Promise<boolean> {
    const { trans } = this._options;
    return this._confirm(
      trans.__('Remove Connection?'),
      trans.__(
        'The server forgets “%1” and its keys. Transfers that use it pause. No object is deleted.',
        visible(title)
      ),
      Dialog.warnButton({ label: trans.__('Remove') })
    );
  }

  confirmSave(name: string): Promise<boolean> {
    const { trans } = this._options;
    return this._confirm(
      trans.__('Save as AWS Profile?'),
      trans.__(
        'Adds the profile “%1” to ~/.aws/config and its keys, readable, to ~/.aws/credentials, which only its owner can read.',
        name
      ),
      Dialog.okButton({ label: trans.__('Save') })
    );
  }

  private async _confirm(title: string, body: string, accept: Dialog.IButton): Promise<boolean> {
    const { trans } = this._options;
    const { button } = await showDialog({
      title,
      body,
      buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), accept],
      defaultButton: 0
    });
    this._refocus();
    return button.accept;
  }

  private async _form(
    title: string,
    model: IDisposable,
    view: (close: () => void) => JSX.Element,
    focus: string
  ): Promise<void> {
    const body = ReactWidget.create(view(() => dialog.reject()));
    const dialog: FormDialog = new FormDialog(title, body, { focus });
    await dialog.launch();
    dialog.dispose();
    model.dispose();
    this._refocus();
  }

  /** The button that opened the dialog may not exist any more. */
  private _refocus(): void {
    if (document.activeElement === document.body || document.activeElement === null) {
      this._options.focus();
    }
  }
}

export namespace ConnectionDialogs {
  export interface IOptions {
    trans: TranslationBundle;
    /** Focus the panel. */
    focus: () => void;
  }
}
