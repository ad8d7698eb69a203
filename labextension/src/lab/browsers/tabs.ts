import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID, type ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { lastName, s3Uri } from '../../api/keys';
import type { ILocation } from '../../list/storage';
import { CommandIDs } from '../../tokens';
import { bucketIcon } from '../../views/icons';
import { visible } from '../../visible';
import { addToMainArea } from '../mainarea';
import type { BrowserPanel } from './panel';
import type { Sidebar } from './sidebar';

/** Add the command that opens browsers in tabs of the main area, and restore them after a reload. */
export function addTabs(
  app: JupyterFrontEnd,
  sidebar: Sidebar,
  restorer: ILayoutRestorer | null,
  trans: TranslationBundle
): readonly string[] {
  const tracker = new WidgetTracker<MainAreaWidget<BrowserPanel>>({ namespace: 'odhtec-tab' });
  app.commands.addCommand(CommandIDs.openTab, {
    label: trans.__('Open Object Storage in New Tab'),
    icon: bucketIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          id: { type: 'string', description: trans.__('ID of the tab to restore') },
          bucket: { type: 'string', description: trans.__('Bucket to show') },
          prefix: { type: 'string', description: trans.__('Folder to show, ending in a slash') }
        }
      }
    },
    execute: args => {
      // The layout identifies a tab by its ID.
      const id = typeof args.id === 'string' ? args.id : `odhtec-tab-${UUID.uuid4()}`;
      const instance = sidebar.openBrowser(id, locationOf(args) ?? currentLocation(sidebar));
      const { model, panel } = instance;
      const tab = new MainAreaWidget({ content: panel });
      tab.id = `${panel.id}-main`;
      tab.title.icon = bucketIcon;
      tab.title.closable = true;
      const name = () => {
        const { bucket = '', prefix = '' } = panel.location ?? {};
        tab.title.label = visible(lastName(prefix) || bucket) || trans.__('Object Storage');
        tab.title.caption = bucket && visible(s3Uri(bucket, prefix));
      };
      name();
      let saved = '';
      model.stateChanged.connect(() => {
        const { bucket, prefix } = model;
        if (saved !== `${bucket}/${prefix}`) {
          saved = `${bucket}/${prefix}`;
          name();
          void tracker.save(tab);
        }
      });
      // Do this first, because the layout is saved with the names of tracked widgets.
      void tracker.add(tab);
      addToMainArea(app, tab, 'Object Storage');
      return tab;
    }
  });
  void restorer?.restore(tracker, {
    command: CommandIDs.openTab,
    args: ({ content }) => ({ id: content.id, ...content.location }),
    name: ({ content }) => content.id
  });
  return [CommandIDs.openTab];
}

/** Return the location of the browser used last. */
function currentLocation({ current: { model } }: Sidebar): ILocation | null {
  return model.bucket === null ? null : { bucket: model.bucket, prefix: model.prefix };
}

function locationOf({ bucket, prefix }: ReadonlyPartialJSONObject): ILocation | null {
  return typeof bucket === 'string' && bucket
    ? { bucket, prefix: typeof prefix === 'string' ? prefix : '' }
    : null;
}
