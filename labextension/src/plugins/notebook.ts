import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { codeIcon, copyIcon, MenuSvg } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { connectionOf } from '../api/bucketaddress';
import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import {
  selectedLocation,
  describedBy,
  onSelectionChanged
} from '../lab/commands/currentselection';
import { ROW_MENU_RANKS } from '../lab/commands/ranks';
import { formsOf, snippet, SNIPPET_FORMS, type SnippetForm } from '../lab/snippets';
import { CommandIDs, NOTEBOOK_PLUGIN_ID, ROW_CLASS } from '../tokens';
import { loadTranslations } from '../translation';

/** The arguments of the command: the object, the form of the code and the kind of label. */
const argsSchema = {
  args: {
    ...describedBy.args,
    properties: {
      ...describedBy.args.properties,
      form: {
        type: 'string',
        enum: [...SNIPPET_FORMS],
        description: 'What the code does; by default, what suits the object best'
      },
      isPalette: {
        type: 'boolean',
        description: 'Whether the label includes the name of the command'
      }
    }
  }
};

export const notebook: JupyterFrontEndPlugin<void> = {
  id: NOTEBOOK_PLUGIN_ID,
  description: 'Inserts code for an object into the open notebook, or copies it to the clipboard.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, INotebookTracker, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = loadTranslations(translator);
    const { commands } = app;
    const target = () => tracker?.currentWidget ?? null;
    const title = () =>
      target() ? trans.__('Insert into Notebook') : trans.__('Copy Code for Notebook');
    const labels = formLabels(trans);

    commands.addCommand(CommandIDs.insertCode, {
      label: args => {
        const form = args.form as SnippetForm | undefined;
        const label = form && labels[form];
        return !label ? title() : args.isPalette ? `${title()}: ${label}` : label;
      },
      icon: args => (args.form && !args.isPalette ? undefined : target() ? codeIcon : copyIcon),
      describedBy: argsSchema,
      isEnabled: args => snippetFor(sidebar, args) !== null,
      // The URI is always shown, even when it is disabled, so that the menu is never empty.
      isVisible: args => !args.form || args.form === 'uri' || snippetFor(sidebar, args) !== null,
      execute: async args => {
        const found = snippetFor(sidebar, args);
        if (!found) {
          return;
        }
        const panel = target();
        if (panel) {
          // The closing palette returns the focus to its previous owner, so take the focus after that.
          await Promise.resolve();
          app.shell.activateById(panel.id);
          insert(panel, found.code, found.form === 'uri');
        } else {
          Clipboard.copyToSystem(found.code);
        }
      }
    });

    const menu = new MenuSvg({ commands });
    const updateTitle = () => {
      menu.title.label = title();
      menu.title.icon = target() ? codeIcon : copyIcon;
    };
    updateTitle();
    SNIPPET_FORMS.forEach(form => menu.addItem({ command: CommandIDs.insertCode, args: { form } }));
    app.contextMenu.addItem({
      type: 'submenu',
      submenu: menu,
      selector: `.${ROW_CLASS}`,
      rank: ROW_MENU_RANKS[CommandIDs.insertCode]
    });
    const category = trans.__('Object Storage');
    palette?.addItem({ command: CommandIDs.insertCode, category });
    SNIPPET_FORMS.forEach(form =>
      palette?.addItem({
        command: CommandIDs.insertCode,
        args: { form, isPalette: true },
        category
      })
    );

    const notify = () => {
      updateTitle();
      commands.notifyCommandChanged(CommandIDs.insertCode);
    };
    onSelectionChanged(sidebar, notify);
    tracker?.currentChanged.connect(notify);
  }
};

function formLabels(trans: TranslationBundle): Record<SnippetForm, string> {
  return {
    pandas: trans.__('Read with pandas'),
    image: trans.__('Show Image'),
    tensors: trans.__('Inspect Tensors'),
    json: trans.__('Read JSON'),
    text: trans.__('Read Text'),
    list: trans.__('List Folder'),
    open: trans.__('Open as File'),
    download: trans.__('Download to Kernel'),
    serve: trans.__('Serve Model (KServe)'),
    boto3: trans.__('Read with boto3'),
    uri: trans.__('URI')
  };
}

/** Return the requested code for the selected object, or null if it does not suit it. */
function snippetFor(
  sidebar: Pick<Sidebar, 'current' | 'connections'>,
  args: ReadonlyPartialJSONObject
): { form: SnippetForm; code: string } | null {
  const location = selectedLocation(sidebar, args);
  const connection = location ? sidebar.connections.find(connectionOf(location.bucket)) : undefined;
  const forms = location ? formsOf(location.key, location.bucket, connection) : [];
  const form = forms.find(one => one === (args.form ?? forms[0]));
  return location && form ? { form, code: snippet(location, form, connection) } : null;
}

/** Insert code into an empty code cell or a new one, and a part of a line at the cursor. */
function insert({ content }: NotebookPanel, code: string, inline: boolean): void {
  const { activeCell } = content;
  const isEmptyCode =
    activeCell?.model.type === 'code' && !activeCell.model.sharedModel.getSource().trim();
  if (!activeCell || (!inline && !isEmptyCode)) {
    NotebookActions.insertBelow(content);
  }
  content.mode = 'edit';
  const editor = content.activeCell?.editor;
  if (editor?.replaceSelection) {
    editor.replaceSelection(code);
    // Lab moves the focus only within the notebook.
    editor.focus();
  } else {
    content.activeCell?.model.sharedModel.setSource(code);
  }
}
