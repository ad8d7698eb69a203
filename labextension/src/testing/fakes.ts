import { vi } from 'vitest';

import type {
  ConnectionSummary,
  HubRepo,
  ObjectDetails,
  ObjectList,
  PlannedFile,
  Transfer,
  TransferPlan,
  Upload
} from '../tokens';
import { loadTranslations } from '../translation';
import type { IBrowserActions } from '../views/actions';

export const trans = loadTranslations(null);

/** A promise that a test resolves or rejects. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

export function page(
  keys: string[],
  prefixes: string[] = [],
  next: string | null = null
): ObjectList {
  return {
    objects: keys.map(Key => ({ Key, Size: 1, LastModified: '2026-01-01T00:00:00Z' })),
    prefixes: prefixes.map(Prefix => ({ Prefix })),
    nextContinuationToken: next,
    isTruncated: next !== null
  };
}

export function transfer(fields: Partial<Transfer> = {}): Transfer {
  return {
    id: 't1',
    action: 'import',
    source: 'hf://org/name@main',
    namesTotal: null,
    target: 's3://bucket/org/name/',
    state: 'running',
    bytesDone: 0,
    bytesTotal: null,
    filesDone: 0,
    filesTotal: null,
    filesFailed: 0,
    filesOmitted: 0,
    rate: null,
    eta: null,
    createdAt: '2026-01-01T00:00:00Z',
    startedAt: null,
    finishedAt: null,
    error: null,
    needs: null,
    ...fields
  };
}

export function upload(fields: Partial<Upload> = {}): Upload {
  return {
    uploadId: 'u1',
    bucket: 'bucket',
    key: 'folder/model.bin',
    size: 100,
    partSize: 10,
    partCount: 10,
    parts: [],
    bytesDone: 45,
    lastModified: 1000,
    createdAt: '2026-01-01T00:00:00Z',
    ...fields
  };
}

export function connection(fields: Partial<ConnectionSummary> = {}): ConnectionSummary {
  return {
    name: 'archive',
    title: null,
    source: 'session',
    error: null,
    removable: false,
    endpoint: null,
    preset: 'amazon',
    region: null,
    defaultBucket: null,
    accessKeyId: null,
    secretAccessKeySet: true,
    sessionTokenSet: false,
    profile: null,
    anonymous: false,
    requesterPays: false,
    readOnly: false,
    addressingStyle: null,
    caBundleSet: false,
    secretName: null,
    ...fields
  };
}

export function hubRepo(fields: Partial<HubRepo> = {}): HubRepo {
  const files = [
    { path: 'model.safetensors', size: 1000 },
    { path: 'sub/config.json', size: 24 },
    { path: 'pytorch_model.bin', size: 1000 }
  ].map(file => ({ ...file, etag: 'e', lfs: false }));
  return {
    repo: 'org/name',
    repoType: 'model',
    revision: 'main',
    commit: '0123456789',
    gated: false,
    private: false,
    accessible: true,
    license: null,
    parameters: null,
    files,
    chosen: [],
    totalSize: 2024,
    note: null,
    ...fields
  };
}

/** The result of a dry run with files of 1000 bytes; some are named by their path below the target. */
export function plan(
  target: string,
  counts: Record<string, number>,
  named: [string, PlannedFile['what']][] = []
): TransferPlan {
  const filesTotal = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const files = named.map(([path, what]) => ({
    source: `hf://org/name@0123456789/${path}`,
    target: `${target}${path}`,
    size: 1000,
    what
  }));
  return { counts, filesTotal, bytesTotal: 1000 * filesTotal, files };
}

export function details(fields: Partial<ObjectDetails> = {}): ObjectDetails {
  return {
    Key: 'k',
    Size: 1024,
    LastModified: '2026-01-01T00:00:00Z',
    ETag: '"1"',
    ContentType: 'application/json',
    CacheControl: null,
    ContentDisposition: null,
    ContentEncoding: null,
    ContentLanguage: null,
    StorageClass: 'STANDARD',
    VersionId: null,
    Metadata: { author: 'me' },
    TagSet: [{ Key: 'kind', Value: 'model' }],
    ...fields
  };
}

export function fakeActions(): {
  [Name in keyof IBrowserActions]: ReturnType<typeof vi.fn>;
} & IBrowserActions {
  return {
    openRow: vi.fn(),
    previewRow: vi.fn(),
    pickFiles: vi.fn(),
    pickFolder: vi.fn(),
    drop: vi.fn(),
    startRenaming: vi.fn(),
    rename: vi.fn(),
    canMove: vi.fn(() => true),
    moveRows: vi.fn(),
    newFolder: vi.fn(),
    newBucket: vi.fn(),
    remove: vi.fn(),
    copyUri: vi.fn(),
    copyText: vi.fn(),
    downloadUrl: vi.fn(() => '/download'),
    importModel: vi.fn(),
    settings: vi.fn(),
    addConnection: vi.fn(),
    removeConnection: vi.fn(),
    saveConnection: vi.fn(),
    testConnection: vi.fn(),
    refresh: vi.fn(),
    pauseTransfer: vi.fn(),
    resumeTransfer: vi.fn(),
    retryTransfer: vi.fn(),
    cancelTransfer: vi.fn(),
    removeTransfer: vi.fn(),
    listTransferFiles: vi.fn(async () => ({ files: [], total: 0, offset: 0 })),
    chooseAgain: vi.fn(),
    discardUpload: vi.fn()
  };
}
