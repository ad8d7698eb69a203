/** Ids and wire types; importing this file has no side effects. */

export type {
  Bucket,
  BucketList,
  ConcurrencySettings,
  DeleteReply,
  DeleteRequest,
  Failure,
  HubFile,
  HubRepo,
  HubSettings,
  HubSettingsChange,
  ImportRequest,
  KeyFailure,
  ObjectList,
  ProxySettings,
  ProxySettingsChange,
  S3Object,
  S3Settings,
  S3SettingsChange,
  StoredObject,
  TestReply,
  Transfer,
  TransferList
} from './contract';

import type { ImportRequest, HubRepo } from './contract';

export type OnConflict = NonNullable<ImportRequest['onConflict']>;
export type RepoType = HubRepo['repoType'];

/** How a repository is looked up; the token is for this look only. */
export interface IRepoOptions {
  repoType: RepoType;
  revision?: string;
  token?: string;
}

/** The plugin whose id is also the id of the settings: `<package name>:<schema file>`. */
export const PLUGIN_ID = 'odhtec-jupyter:plugin';
export const COMMANDS_PLUGIN_ID = 'odhtec-jupyter:commands';
export const STATUS_PLUGIN_ID = 'odhtec-jupyter:status';

export const PANEL_ID = 'odhtec-browser';

/** The class of a row, which the context menu selects by. */
export const ROW_CLASS = 'odhtec-Row';

export namespace CommandIDs {
  export const open = 'odhtec:open';
  export const refresh = 'odhtec:refresh';
  export const upload = 'odhtec:upload';
  export const uploadFolder = 'odhtec:upload-folder';
  export const newFolder = 'odhtec:new-folder';
  export const importModel = 'odhtec:import-model';
  export const settings = 'odhtec:settings';
  export const remove = 'odhtec:delete';
  export const download = 'odhtec:download';
  export const copyUri = 'odhtec:copy-uri';
}
