import { fileIcon, ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import { s3Uri } from '../../api/keys';
import { baseName, type IObjectLocation } from '../../drive/documents';
import type { PreviewModel } from '../../preview/previewmodel';
import { focusBody, PreviewView, type IPreviewViewProps } from '../../views/preview/PreviewView';
import { visible } from '../../visible';

/** The preview of one object, in the main area. */
export class PreviewWidget extends ReactWidget {
  constructor(private readonly _options: IPreviewViewProps) {
    super();
    const { bucket, key } = this.object;
    this.addClass('odhtec-PreviewPanel');
    this.title.label = visible(baseName(key) || key);
    this.title.caption = visible(s3Uri(bucket, key));
    this.title.icon = fileIcon;
    this.title.closable = true;
    this.node.tabIndex = -1;
  }

  get object(): IObjectLocation {
    return this.model.object;
  }

  get model(): PreviewModel {
    return this._options.model;
  }

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return <PreviewView {...this._options} />;
  }

  /** A restored preview sends no request until it is shown. */
  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._loadOrCheck();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._loadOrCheck();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    if (!this.node.contains(document.activeElement) && !focusBody(this.node)) {
      this.node.focus();
    }
  }

  private _loadOrCheck(): void {
    if (this.isVisible) {
      void (this.model.preview || this.model.error ? this.model.check() : this.model.load());
    }
  }
}
