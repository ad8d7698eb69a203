import type { TranslationBundle } from '@jupyterlab/translation';

import { connectionOf } from '../../api/bucketaddress';
import { ConnectionModel } from '../../forms/connectionmodel';
import { ConnectionTestModel } from '../../forms/connectiontestmodel';
import type { BrowserModel } from '../../list/browser';
import type { ConnectionsModel } from '../../list/connections';
import type { UploadsModel } from '../../uploads/uploads';
import { readOnlyReason } from '../../views/readonly';
import type { ConnectionDialogs } from '../dialogs/connectiondialogs';
import { notifyIfFails, notifyRefused } from '../errornotifications';

/** What users do with connections, each with its dialog. */
export class ConnectionActions {
  constructor(private readonly _options: ConnectionActions.IOptions) {}

  /** Add a connection, and open it in a browser. */
  async add(model: BrowserModel): Promise<void> {
    const { connections, dialogs, trans } = this._options;
    await notifyIfFails(trans.__('The connection could not be added'), trans, async () => {
      // For the presets, and for the names that are in use.
      await connections.refresh();
      await dialogs.add(new ConnectionModel(connections), name => void model.openConnection(name));
    });
  }

  /** Ask, then remove a connection that was added. */
  async remove(name: string): Promise<void> {
    const { connections, uploads, dialogs, onRemoved, trans } = this._options;
    if (uploads.batches.some(({ active, bucket }) => active && connectionOf(bucket) === name)) {
      notifyRefused(trans.__('Files are being uploaded to “%1”. Cancel the uploads first.', name));
      return;
    }
    await notifyIfFails(trans.__('The connection could not be removed'), trans, async () => {
      if (await dialogs.confirmRemove(connections.titleOf(name))) {
        await connections.remove(name);
        onRemoved(name);
      }
    });
  }

  /** Ask, then save a connection that was added as an AWS profile. */
  async save(name: string): Promise<void> {
    const { connections, dialogs, trans } = this._options;
    await notifyIfFails(trans.__('The connection could not be saved'), trans, async () => {
      if (await dialogs.confirmSave(name)) {
        await connections.save(name);
      }
    });
  }

  /** Test a connection step by step, and show the report. */
  async test(name: string): Promise<void> {
    const { server, connections, dialogs, trans } = this._options;
    const model = new ConnectionTestModel(server, name, connections.titleOf(name));
    await dialogs.test(model, readOnlyReason(name, connections, trans));
  }
}

export namespace ConnectionActions {
  export interface IOptions {
    server: ConnectionTestModel.IServer;
    connections: ConnectionsModel;
    uploads: Pick<UploadsModel, 'batches'>;
    dialogs: ConnectionDialogs;
    /** Called when a connection has been removed. */
    onRemoved: (name: string) => void;
    trans: TranslationBundle;
  }
}
