import type { Preview } from '../tokens';
import type { Kind } from '../views/preview/bodyprops';

const COMMON = { size: 1000, ETag: '"1"', contentType: 'x/y', bytesRead: 10, note: null };

export function textPreview(fields: Partial<Kind<'text'>> = {}): Preview {
  return {
    ...COMMON,
    kind: 'text',
    text: 'hello',
    encoding: 'utf-8',
    language: null,
    truncated: false,
    ...fields
  };
}

export function tablePreview(fields: Partial<Kind<'table'>> = {}): Preview {
  return {
    ...COMMON,
    kind: 'table',
    format: 'parquet',
    columns: [
      { name: 'id', type: 'int64' },
      { name: 'name', type: 'string' }
    ],
    rows: [
      [1, 'one'],
      [2, null]
    ],
    totalRows: 5000,
    rowGroups: 3,
    metadata: { creator: 'me' },
    truncated: true,
    ...fields
  };
}

export function tensorsPreview(fields: Partial<Kind<'tensors'>> = {}): Preview {
  return {
    ...COMMON,
    kind: 'tensors',
    format: 'safetensors',
    tensors: [
      { name: 'model.embed.weight', dtype: 'BF16', shape: [10, 20] },
      { name: 'model.norm.bias', dtype: 'F32', shape: [] }
    ],
    tensorCount: 2,
    parameters: 7_000_000_000,
    dtypes: { F32: 1, BF16: 6_999_999_999 },
    metadata: {},
    truncated: false,
    ...fields
  };
}

export const binaryPreview: Preview = { ...COMMON, kind: 'binary', head: '00ff' };
export const imagePreview: Preview = { ...COMMON, kind: 'image', width: 3, height: 2 };
export const pdfPreview: Preview = { ...COMMON, kind: 'pdf' };

export const notebookPreview: Preview = {
  ...COMMON,
  kind: 'notebook',
  language: 'python',
  cells: [
    { cellType: 'markdown', source: '# Title', outputs: [] },
    { cellType: 'code', source: 'print(1)', outputs: ['1'] }
  ],
  cellCount: 9,
  truncated: true
};

export const archivePreview: Preview = {
  ...COMMON,
  kind: 'archive',
  format: 'zip',
  entries: [{ path: 'a/b.txt', size: 2048, compressedSize: 100 }],
  entryCount: 1,
  totalSize: 2048,
  truncated: false
};
