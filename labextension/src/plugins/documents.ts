import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { editIcon, launchIcon } from '@jupyterlab/ui-components';

import { documentPath, locationOf } from '../drive/documents';
import { S3Drive } from '../drive/drive';
import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import { selectedFile, describedBy, onSelectionChanged } from '../lab/commands/currentselection';
import { ROW_MENU_RANKS } from '../lab/commands/ranks';
import { DocumentTitles } from '../lab/documents/documenttitles';
import { Opener } from '../lab/documents/opener';
import { CommandIDs, DOCUMENTS_PLUGIN_ID, ROW_CLASS } from '../tokens';
import { waitForCompletion } from '../transfers/transferwait';
import { loadTranslations } from '../translation';

/** Opens objects in Lab's own editors and viewers. */
export const documents: JupyterFrontEndPlugin<void> = {
  id: DOCUMENTS_PLUGIN_ID,
  description: 'Adds the Contents drive "S3", through which editors open and save objects.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = loadTranslations(translator);
    const opener = new Opener({
      fileTypes: key => app.docRegistry.getFileTypesForPath(key),
      openDocument: (path, factory) =>
        void app.commands.execute('docmanager:open', factory ? { path, factory } : { path }),
      openPreview: ({ bucket, key }) =>
        void app.commands.execute(CommandIDs.preview, { bucket, key }),
      sizeLimit: () => sidebar.editorSizeLimit,
      prefersPreview: () => sidebar.settings?.composite.doubleClick === 'preview'
    });
    sidebar.opener = opener;
    DocumentTitles.addTo(app.docRegistry);
    app.serviceManager.contents.addDrive(createDrive(app, sidebar, opener, trans));

    app.commands.addCommand(CommandIDs.openInEditor, {
      label: trans.__('Open in Editor'),
      icon: editIcon,
      describedBy,
      isEnabled: args => {
        const file = selectedFile(sidebar, args);
        return file !== null && opener.canEdit(file, file.size);
      },
      execute: args => {
        const file = selectedFile(sidebar, args);
        if (file && opener.canEdit(file, file.size)) {
          opener.edit(file);
        }
      }
    });
    app.commands.addCommand(CommandIDs.viewInTab, {
      label: trans.__('Open in New Browser Tab'),
      icon: launchIcon,
      describedBy,
      isEnabled: args => selectedFile(sidebar, args) !== null,
      execute: args => {
        const file = selectedFile(sidebar, args);
        if (file) {
          window.open(sidebar.api.viewUrl(file.bucket, file.key), '_blank', 'noopener');
        }
      }
    });
    const all = [CommandIDs.openInEditor, CommandIDs.viewInTab];
    onSelectionChanged(sidebar, () => all.forEach(id => app.commands.notifyCommandChanged(id)));
    const category = trans.__('Object Storage');
    all.forEach(command => palette?.addItem({ command, category }));
    const selector = `.${ROW_CLASS}`;
    for (const command of [CommandIDs.openInEditor, CommandIDs.viewInTab] as const) {
      app.contextMenu.addItem({ command, selector, rank: ROW_MENU_RANKS[command] });
    }
  }
};

function createDrive(
  app: JupyterFrontEnd,
  sidebar: Sidebar,
  opener: Opener,
  trans: TranslationBundle
): S3Drive {
  const { api, transfers } = sidebar;
  const drive = new S3Drive({
    server: api,
    serverSettings: app.serviceManager.serverSettings,
    transfer: async what => waitForCompletion(transfers, await api.startTransfer(what)),
    sizeLimit: () => sidebar.editorSizeLimit,
    showPreview: object => opener.preview(object),
    onTruncated: (path, count) =>
      Notification.info(
        trans.__(
          'Only the first %2 entries of %1 are listed. The Object Storage panel shows all of them.',
          documentPath({ bucket: path, key: '' }),
          count.toLocaleString()
        )
      ),
    trans
  });
  // Show immediately in the list what an editor saves.
  drive.fileChanged.connect((_, { oldValue, newValue }) => {
    const locations = [oldValue, newValue].flatMap(value =>
      value?.path ? locationOf(value.path) : []
    );
    locations.forEach(({ bucket, key }) => sidebar.refreshIfShown(bucket, key));
  });
  return drive;
}
