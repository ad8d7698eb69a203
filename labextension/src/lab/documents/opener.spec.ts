import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { isPath } from '../../drive/documents';
import { Opener } from './opener';

const TYPES: Record<string, Partial<DocumentRegistry.IFileType>> = {
  ipynb: { contentType: 'notebook', fileFormat: 'json', mimeTypes: [] },
  csv: { contentType: 'file', fileFormat: 'text', mimeTypes: ['text/csv'] },
  png: { contentType: 'file', fileFormat: 'base64', mimeTypes: ['image/png'] },
  'jupyterlab-workspace': {
    name: 'jupyterlab-workspace',
    contentType: 'file',
    fileFormat: 'text',
    mimeTypes: ['application/json']
  },
  pdf: { contentType: 'file', fileFormat: 'base64', mimeTypes: ['application/pdf'] }
};

describe('Opener', () => {
  const openDocument = vi.fn();
  const openPreview = vi.fn();
  let prefersPreview = false;
  const opener = new Opener({
    fileTypes: key => {
      const type = TYPES[key.split('.').pop()!];
      return type ? [type as DocumentRegistry.IFileType] : [];
    },
    openDocument,
    openPreview,
    sizeLimit: () => 100,
    prefersPreview: () => prefersPreview
  });
  const opened = (key: string, size?: number) => {
    vi.clearAllMocks();
    opener.open({ bucket: 'b', key }, size);
    return openDocument.mock.lastCall?.[0] ?? openPreview.mock.lastCall?.[0].key;
  };

  beforeEach(() => {
    prefersPreview = false;
  });

  it('opens documents in Lab, and previews everything else', () => {
    expect(opened('d/a.ipynb', 100)).toBe('S3:b/d/a.ipynb');
    expect(opened('a.csv')).toBe('S3:b/a.csv');
    expect(opened('a.png')).toBe('S3:b/a.png');
    expect(opened('a.pdf')).toBe('a.pdf');
    expect(opened('model.safetensors')).toBe('model.safetensors');
    expect(opened('README')).toBe('README');
  });

  it('previews objects that are too large or have no path, or all by setting', () => {
    expect(opened('a.csv', 101)).toBe('a.csv');
    for (const key of ['/a.csv', 'a//b.csv', '../a.csv', 'a/./b.csv']) {
      expect(opened(key)).toBe(key);
    }
    prefersPreview = true;
    expect(opened('a.csv')).toBe('a.csv');
  });

  it('previews workspace files, or opens them as text, so that they cannot act on Lab', () => {
    expect(opened('w.jupyterlab-workspace')).toBe('w.jupyterlab-workspace');
    expect(openDocument).not.toHaveBeenCalled();
    opener.edit({ bucket: 'b', key: 'w.jupyterlab-workspace' });
    expect(openDocument).toHaveBeenLastCalledWith('S3:b/w.jupyterlab-workspace', 'Editor');
  });

  it('opens any text on request, in the editor if its kind is unknown', () => {
    opener.edit({ bucket: 'b', key: 'README' });
    expect(openDocument).toHaveBeenLastCalledWith('S3:b/README', 'Editor');
    opener.edit({ bucket: 'b', key: 'a.csv' });
    expect(openDocument).toHaveBeenLastCalledWith('S3:b/a.csv', undefined);
  });

  it('knows which keys are paths', () => {
    expect(['a', 'a/b c', '日本.txt', 'a:b'].every(isPath)).toBe(true);
    expect(['', '/', 'a/', 'a//b', '.', 'a/..'].some(isPath)).toBe(false);
  });
});
