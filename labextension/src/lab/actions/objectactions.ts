import type { TranslationBundle } from '@jupyterlab/translation';

import type { OdhTecAPI } from '../../api/api';
import { splitBucket } from '../../api/bucketaddress';
import { nameIn, parentPrefix, s3Uri } from '../../api/keys';
import { CopyModel } from '../../forms/copymodel';
import { DeleteModel } from '../../forms/deletemodel';
import { DetailsModel } from '../../forms/detailsmodel';
import { ImportModel } from '../../forms/importmodel';
import { MultipartModel } from '../../forms/multipartmodel';
import { ShareModel } from '../../forms/sharemodel';
import { VersionsModel } from '../../forms/versionsmodel';
import type { BrowserModel } from '../../list/browser';
import type { Edits } from '../../list/changes/edits';
import type { ConnectionsModel } from '../../list/connections';
import type { IRow } from '../../list/rows';
import { SizeCounter } from '../../list/sizecounter';
import { sleep } from '../../sleep';
import type { TransfersModel } from '../../transfers/transfers';
import type { Dialogs } from '../dialogs/dialogs';
import type { ObjectDialogs } from '../dialogs/objectdialogs';
import { notifyError, notifyIfFails } from '../errornotifications';

/** Some proxies refuse longer URLs. */
const MAX_URL_LENGTH = 7000;

/** What users do with objects, each with its dialog. */
export class ObjectActions {
  constructor(private readonly _options: ObjectActions.IOptions) {}

  async importModel(): Promise<void> {
    const { model, api, transfers, dialogs } = this._options;
    const { bucket, prefix } = model;
    if (bucket !== null) {
      const form = new ImportModel({ server: api, bucket, prefix, sleep });
      await dialogs.importModel(form, transfer => transfers.add(transfer));
    }
  }

  async copyTo(action: 'copy' | 'move', rows: readonly IRow[]): Promise<void> {
    const { model, api, transfers, dialogs } = this._options;
    const { bucket, prefix } = model;
    if (bucket !== null && rows.length) {
      const connections = this._options.connections.all.filter(
        ({ error, readOnly }) => error === null && !readOnly
      );
      const form = new CopyModel({
        ...{ server: api, action, bucket, prefix, rows, sleep },
        connections
      });
      await dialogs.copy(form, transfer => transfers.add(transfer));
    }
  }

  /** Delete rows, after asking if the settings say so. Keys that could not be deleted are listed. */
  async remove(rows: readonly IRow[]): Promise<void> {
    const { model, edits, api, transfers, dialogs, messages, trans } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null || !rows.length) {
      return;
    }
    // A folder may hold a million objects, so always ask.
    if (this._options.confirmDelete() || rows.some(({ kind }) => kind === 'folder')) {
      const sure = await dialogs.confirmDelete(new DeleteModel({ server: api, bucket, rows }));
      // The list may have changed while the dialog was open: do not delete rows of another folder.
      if (!sure || bucket !== model.bucket || prefix !== model.prefix) {
        return;
      }
    }
    await notifyIfFails(trans.__('The items could not be deleted'), trans, async () => {
      const { errors, transfer } = await edits.remove(rows);
      if (transfer) {
        transfers.add(transfer);
      }
      if (errors.length) {
        await messages.showFailures(
          trans._n('One Object Was Not Deleted', '%1 Objects Were Not Deleted', errors.length),
          errors
        );
      }
    });
  }

  /** Download a single file as it is, anything else as one ZIP, with the web browser's own download. */
  download(rows: readonly IRow[]): void {
    const { model, api, trans } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null || !rows.length) {
      return;
    }
    if (rows.length === 1 && rows[0].kind === 'file') {
      startDownload(api.downloadUrl(bucket, rows[0].key), rows[0].name);
      return;
    }
    const keysOf = (kind: IRow['kind']) =>
      rows.filter(row => row.kind === kind).map(row => row.key);
    const url = api.archiveUrl(bucket, prefix, {
      keys: keysOf('file'),
      prefixes: keysOf('folder')
    });
    if (url.length > MAX_URL_LENGTH) {
      notifyError(
        trans.__('The items could not be downloaded'),
        trans.__(
          'Too many items for one request. Select fewer items, or the folder that contains them.'
        ),
        trans
      );
    } else {
      startDownload(url, '');
    }
  }

  /** Create a link to download a file, or to upload to a folder; without a row, to the folder that is shown. */
  async share(row: IRow | undefined): Promise<void> {
    const { model, api, dialogs } = this._options;
    const { bucket } = model;
    if (bucket === null) {
      return;
    }
    const file = row?.kind === 'file';
    const prefix = file ? parentPrefix(row.key) : (row?.key ?? model.prefix);
    const name = file ? row.key.slice(prefix.length) : '';
    await dialogs.share(new ShareModel({ server: api, bucket, prefix, name }));
  }

  /** Show the properties of one file, or the total size of anything else; without rows, of the folder that is shown. */
  async properties(rows: readonly IRow[]): Promise<void> {
    const { model, api, dialogs } = this._options;
    const { bucket, prefix } = model;
    if (bucket === null) {
      return;
    }
    if (rows.length === 1 && rows[0].kind === 'file') {
      const { key } = rows[0];
      const onChanged = () => void model.refresh();
      await dialogs.properties(
        new DetailsModel({ server: api, bucket, key }),
        new VersionsModel({ server: api, bucket, key, onChanged })
      );
      return;
    }
    const name = nameIn(parentPrefix(prefix), prefix);
    const meant: readonly IRow[] = rows.length ? rows : [{ kind: 'folder', key: prefix, name }];
    const counter = new SizeCounter(api, bucket, meant);
    void counter.start();
    await dialogs.showSize(bucket, meant, counter);
  }

  async unfinishedUploads(): Promise<void> {
    const { model, api, dialogs } = this._options;
    if (model.bucket !== null) {
      await dialogs.multiparts(new MultipartModel({ server: api, bucket: model.bucket }));
    }
  }

  /** Delete a bucket if it is empty; the store checks that again. */
  async deleteBucket(): Promise<void> {
    const { model, api, dialogs, trans } = this._options;
    const { bucket } = model;
    if (bucket === null) {
      return;
    }
    const title = trans.__('The bucket could not be deleted');
    await notifyIfFails(title, trans, async () => {
      const { objects, prefixes } = await api.listObjects(bucket, '', { maxKeys: 1 });
      if (objects.length || prefixes.length) {
        const why = trans.__('%1 is not empty. Delete its objects first.', s3Uri(bucket, ''));
        notifyError(title, why, trans);
      } else if (await dialogs.confirmDeleteBucket(splitBucket(bucket).bucket)) {
        await api.deleteBucket(bucket);
        await model.reconnect();
      }
    });
  }
}

function startDownload(href: string, download: string): void {
  const link = document.createElement('a');
  Object.assign(link, { href, download });
  link.click();
}

export namespace ObjectActions {
  export interface IOptions {
    api: OdhTecAPI;
    model: BrowserModel;
    connections: ConnectionsModel;
    edits: Edits;
    transfers: TransfersModel;
    dialogs: ObjectDialogs;
    messages: Dialogs;
    trans: TranslationBundle;
    /** Whether deleting files asks first. */
    confirmDelete: () => boolean;
  }
}
