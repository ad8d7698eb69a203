import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator } from '@jupyterlab/translation';
import { searchIcon } from '@jupyterlab/ui-components';

import { s3Uri } from '../api/keys';
import type { IObjectLocation } from '../drive/documents';
import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import { selectedFile, describedBy, onSelectionChanged } from '../lab/commands/currentselection';
import { ROW_MENU_RANKS } from '../lab/commands/ranks';
import type { PreviewWidget } from '../lab/documents/previewwidget';
import { addToMainArea, bringToFront } from '../lab/mainarea';
import { CommandIDs, PREVIEW_PLUGIN_ID, ROW_CLASS } from '../tokens';
import { loadTranslations } from '../translation';
import type { IPreviewViewProps } from '../views/preview/PreviewView';

/** Previews of objects in the main area; their code is loaded with the first one. */
export const previews: JupyterFrontEndPlugin<void> = {
  id: PREVIEW_PLUGIN_ID,
  description: 'Previews objects without downloading them.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, IEditorServices, IRenderMimeRegistry],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    editors: IEditorServices | null,
    rendermime: IRenderMimeRegistry | null
  ): void => {
    const trans = loadTranslations(translator);
    const tracker = new WidgetTracker<PreviewWidget>({ namespace: 'odhtec-preview' });
    const { api } = sidebar;

    const create = async (object: IObjectLocation): Promise<PreviewWidget> => {
      const [{ PreviewModel }, { PreviewRenderers }, { PreviewWidget }] = await Promise.all([
        import('../preview/previewmodel'),
        import('../lab/documents/previewrenderers'),
        import('../lab/documents/previewwidget')
      ]);
      const sizeLimit = () => sidebar.editorSizeLimit;
      return new PreviewWidget({
        model: new PreviewModel(api, object),
        renderers: new PreviewRenderers({ api, editors, rendermime, sizeLimit, trans }),
        actions: previewActions(sidebar, object),
        trans
      });
    };

    const show = async (object: IObjectLocation): Promise<void> => {
      const uri = s3Uri(object.bucket, object.key);
      const isSame = ({ object }: PreviewWidget) => s3Uri(object.bucket, object.key) === uri;
      let widget = tracker.find(isSame);
      if (!widget) {
        const made = await create(object);
        // A second double click may have opened it in the meantime.
        widget = tracker.find(isSame);
        if (widget) {
          made.dispose();
        } else {
          widget = made;
          widget.id = `odhtec-preview-${encodeURIComponent(uri)}`;
          addToMainArea(app, widget, 'Object Preview');
          await tracker.add(widget);
        }
      }
      bringToFront(app, widget);
    };

    app.commands.addCommand(CommandIDs.preview, {
      label: trans.__('Preview'),
      icon: searchIcon,
      describedBy,
      isEnabled: args => selectedFile(sidebar, args) !== null,
      execute: async args => {
        const file = selectedFile(sidebar, args);
        if (file) {
          await show({ bucket: file.bucket, key: file.key });
        }
      }
    });
    onSelectionChanged(sidebar, () => app.commands.notifyCommandChanged(CommandIDs.preview));
    palette?.addItem({ command: CommandIDs.preview, category: trans.__('Object Storage') });
    app.contextMenu.addItem({
      command: CommandIDs.preview,
      selector: `.${ROW_CLASS}`,
      rank: ROW_MENU_RANKS[CommandIDs.preview]
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.preview,
      args: ({ object: { bucket, key } }) => ({ bucket, key }),
      name: ({ object: { bucket, key } }) => s3Uri(bucket, key)
    });
  }
};

function previewActions(sidebar: Sidebar, object: IObjectLocation): IPreviewViewProps['actions'] {
  const { api, opener } = sidebar;
  return {
    downloadUrl: () => api.downloadUrl(object.bucket, object.key),
    copyUri: () => Clipboard.copyToSystem(s3Uri(object.bucket, object.key)),
    edit: opener?.canEdit(object) ? () => opener.edit(object) : null,
    fits: size => opener?.fits(size) ?? false
  };
}
