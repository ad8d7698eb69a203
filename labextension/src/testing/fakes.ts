import { nullTranslator } from '@jupyterlab/translation';
import { vi } from 'vitest';

import type { IBrowserActions } from '../actions';
import type { ObjectList, Transfer } from '../tokens';

export const trans = nullTranslator.load('test');

/** A promise that a test settles by hand. */
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
    target: 's3://bucket/org/name/',
    state: 'running',
    bytesDone: 0,
    bytesTotal: null,
    filesDone: 0,
    filesTotal: null,
    filesFailed: 0,
    rate: null,
    eta: null,
    createdAt: '2026-01-01T00:00:00Z',
    startedAt: null,
    finishedAt: null,
    error: null,
    ...fields
  };
}

export function fakeActions(): {
  [Name in keyof IBrowserActions]: ReturnType<typeof vi.fn>;
} & IBrowserActions {
  return {
    openRow: vi.fn(),
    pickFiles: vi.fn(),
    pickFolder: vi.fn(),
    drop: vi.fn(),
    newFolder: vi.fn(),
    newBucket: vi.fn(),
    remove: vi.fn(),
    copyUri: vi.fn(),
    downloadUrl: vi.fn(() => '/download'),
    importModel: vi.fn(),
    settings: vi.fn(),
    refresh: vi.fn(),
    cancelTransfer: vi.fn(),
    removeTransfer: vi.fn()
  };
}
