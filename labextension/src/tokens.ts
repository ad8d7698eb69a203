/** IDs and wire types. Importing this file has no side effects. */

export type {
  AbortRequest,
  BandwidthSettings,
  Bucket,
  BucketList,
  ConcurrencySettings,
  ConnectionCheck,
  ConnectionList,
  ConnectionPreset,
  ConnectionRequest,
  ConnectionSummary,
  ConnectionTest,
  ConnectionTestRequest,
  ContinueRequest,
  DeleteReply,
  DeleteRequest,
  DetailsChange,
  Failure,
  HubFile,
  HubRef,
  HubRefs,
  HubRepo,
  HubSettings,
  HubSettingsChange,
  ImportRequest,
  KeyFailure,
  MultipartList,
  MultipartUpload,
  ObjectDetails,
  ObjectList,
  ObjectVersion,
  PlannedFile,
  PresignedUrl,
  PresignRequest,
  Preview,
  ProxySettings,
  ProxySettingsChange,
  RemainingObjects,
  S3Object,
  S3Settings,
  S3SettingsChange,
  StoredObject,
  StoredPart,
  Tag,
  TestReply,
  Transfer,
  TransferFile,
  TransferFiles,
  TransferList,
  TransferPlan,
  TransferRequest,
  Upload,
  UploadList,
  UploadRequest,
  Usage,
  VersionList
} from './contract';

import type { ImportRequest, HubRepo, TransferFile } from './contract';

export type OnConflict = NonNullable<ImportRequest['onConflict']>;
export type RepoType = HubRepo['repoType'];
export type FileState = TransferFile['state'];

/** A search in a folder: names that start with `q` (done by the store), contain it, or match it as a glob. */
export interface ISearch {
  q: string;
  mode: 'prefix' | 'contains' | 'glob';
  /** Whether to search all folders below, or this level only. */
  recursive: boolean;
}

/** Options of a listing: the page size, the token of the last page, or a step of a search. */
export interface IListOptions {
  maxKeys?: number;
  continuationToken?: string;
  search?: ISearch;
  signal?: AbortSignal;
}

/** The result of a HEAD request. */
export interface IObjectHead {
  size: number;
  etag: string | null;
  contentType: string;
  modified: Date | null;
}

/** Options of a repository lookup. The token is used for this lookup only. */
export interface IRepoOptions {
  repoType: RepoType;
  revision?: string;
  token?: string;
}

/** The translation domain. */
export const DOMAIN = 'odhtec_jupyter';

/** The plugin whose ID is also the ID of the settings: `<package name>:<schema file>`. */
export const PLUGIN_ID = 'odhtec-jupyter:plugin';
export const COMMANDS_PLUGIN_ID = 'odhtec-jupyter:commands';
export const STATUS_PLUGIN_ID = 'odhtec-jupyter:status';
export const FILES_PLUGIN_ID = 'odhtec-jupyter:files';
export const TABS_PLUGIN_ID = 'odhtec-jupyter:tabs';
export const DOCUMENTS_PLUGIN_ID = 'odhtec-jupyter:documents';
export const PREVIEW_PLUGIN_ID = 'odhtec-jupyter:preview';
export const LAUNCHER_PLUGIN_ID = 'odhtec-jupyter:launcher';
export const RUNNING_PLUGIN_ID = 'odhtec-jupyter:running';
export const WIDGET_PLUGIN_ID = 'odhtec-jupyter:widget';
export const NOTEBOOK_PLUGIN_ID = 'odhtec-jupyter:notebook';

/** The module name of the widget, and the MIME type of its outputs. Must agree with widget.py. */
export const WIDGET_MODULE = 'odhtec-jupyter';
export const CELL_MIME_TYPE = 'application/vnd.odhtec.browser+json';

export const PANEL_ID = 'odhtec-browser';

/** The class of a row, used as selector of the context menu. */
export const ROW_CLASS = 'odhtec-Row';
/** The class of the box that shows the connection. */
export const CONNECTION_CLASS = 'odhtec-ConnectionBox';
/** The class of the box that shows the bucket. */
export const BUCKET_CLASS = 'odhtec-BucketBox';

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
  export const openTab = 'odhtec:open-tab';
  export const rename = 'odhtec:rename';
  export const countUsage = 'odhtec:count-usage';
  export const goToFolder = 'odhtec:go-to-folder';
  export const search = 'odhtec:search';
  export const goToPath = 'odhtec:go-to-path';
  export const loadAll = 'odhtec:load-all';
  export const toWorkspace = 'odhtec:copy-to-workspace';
  export const fromWorkspace = 'odhtec:copy-from-workspace';
  export const copyTo = 'odhtec:copy-to';
  export const moveTo = 'odhtec:move-to';
  export const share = 'odhtec:share';
  export const properties = 'odhtec:properties';
  export const newBucket = 'odhtec:new-bucket';
  export const deleteBucket = 'odhtec:delete-bucket';
  export const addConnection = 'odhtec:add-connection';
  export const removeConnection = 'odhtec:remove-connection';
  export const saveConnection = 'odhtec:save-connection';
  export const testConnection = 'odhtec:test-connection';
  export const unfinishedUploads = 'odhtec:unfinished-uploads';
  export const openInEditor = 'odhtec:open-in-editor';
  export const preview = 'odhtec:preview';
  export const viewInTab = 'odhtec:open-in-new-browser-tab';
  export const insertCode = 'odhtec:insert-into-notebook';
}
