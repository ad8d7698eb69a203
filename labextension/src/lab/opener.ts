import type { DocumentRegistry } from '@jupyterlab/docregistry';

import { documentPath, isPath, type IObjectPlace } from '../drive/documents';

/** Whether Lab's own editors and viewers open an object, and what stands in the way when they do not. */
export type Openable = 'editor' | 'too large' | 'no document';

/** Decides who opens an object: Lab's editors and viewers, or the preview. */
export class Opener {
  constructor(private readonly _options: Opener.IOptions) {}

  /** What a double click does. */
  open(object: IObjectPlace, size?: number): void {
    if (!this._options.prefersPreview() && this.canOpen(object, size) === 'editor') {
      this.edit(object);
    } else {
      this.preview(object);
    }
  }

  /** Documents are what Lab has a kind of text, notebook or image for; anything may be looked at. */
  canOpen({ key }: IObjectPlace, size?: number): Openable {
    if (!isPath(key) || !isDocument(this._options.fileTypes(key))) {
      return 'no document';
    }
    return this.fits(size) ? 'editor' : 'too large';
  }

  /** Whether Lab can be asked to open it as text, whatever its kind. */
  canEdit({ key }: IObjectPlace, size?: number): boolean {
    return isPath(key) && this.fits(size);
  }

  fits(size?: number): boolean {
    return size === undefined || size <= this._options.sizeLimit();
  }

  edit(object: IObjectPlace): void {
    const known = isDocument(this._options.fileTypes(object.key));
    // Of a kind that Lab does not know, all that can be tried is text.
    this._options.openDocument(documentPath(object), known ? undefined : 'Editor');
  }

  preview(object: IObjectPlace): void {
    this._options.openPreview(object);
  }
}

function isDocument(types: readonly DocumentRegistry.IFileType[]): boolean {
  return types.some(
    ({ contentType, fileFormat, mimeTypes }) =>
      contentType === 'notebook' ||
      (contentType === 'file' &&
        (fileFormat === 'text' ||
          fileFormat === 'json' ||
          mimeTypes.some(type => type.startsWith('image/'))))
  );
}

export namespace Opener {
  export interface IOptions {
    /** What Lab knows this name to be. */
    fileTypes: (key: string) => readonly DocumentRegistry.IFileType[];
    openDocument: (path: string, factory?: string) => void;
    openPreview: (object: IObjectPlace) => void;
    /** Bytes that are opened in an editor. */
    sizeLimit: () => number;
    /** Whether a double click always shows the preview. */
    prefersPreview: () => boolean;
  }
}
