import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ITranslator } from '@jupyterlab/translation';

import { ISidebar, type Sidebar } from '../lab/browsers/sidebar';
import { bringToFront } from '../lab/mainarea';
import { RunningTransfers } from '../lab/transfers/runningtransfers';
import { RUNNING_PLUGIN_ID } from '../tokens';
import { loadTranslations } from '../translation';

export const running: JupyterFrontEndPlugin<void> = {
  id: RUNNING_PLUGIN_ID,
  description: 'Lists transfers in the Running panel.',
  autoStart: true,
  requires: [ISidebar],
  optional: [ITranslator, IRunningSessionManagers],
  activate: (
    app: JupyterFrontEnd,
    sidebar: Sidebar,
    translator: ITranslator | null,
    managers: IRunningSessionManagers | null
  ): void => {
    const trans = loadTranslations(translator);
    const { transfers, uploads, actions } = sidebar;
    managers?.add(
      new RunningTransfers({
        transfers,
        uploads,
        show: () => bringToFront(app, sidebar.panel),
        confirm: async title => {
          const { button } = await showDialog({
            title: trans.__('Cancel Transfer?'),
            body: trans.__('%1. Existing objects are not changed.', title),
            buttons: [
              Dialog.cancelButton({ label: trans.__('Keep Running') }),
              Dialog.warnButton({ label: trans.__('Cancel Transfer') })
            ]
          });
          return button.accept;
        },
        cancel: id => {
          if (uploads.batches.some(batch => batch.id === id)) {
            uploads.cancel(id);
          } else {
            actions.cancelTransfer(id);
          }
        },
        trans
      })
    );
  }
};
