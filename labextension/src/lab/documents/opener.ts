import type { DocumentRegistry } from '@jupyterlab/docregistry';

import { documentPath, isPath, type IObjectLocation } from '../../drive/documents';

/** Whether Lab's own editors and viewers open an object, and if not, why. */
export type Openable = 'editor' | 'too large' | 'no document';

/** Decides what opens an object: Lab's editors and viewers, or the preview. */
export class Opener {
  constructor(private readonly _options: Opener.IOptions) {}

  /** Open an object as a double click does. */
  open(object: IObjectLocation, size?: number): void {
    if (!this._options.prefersPreview() && this.canOpen(object, size) === 'editor') {
      this.edit(object);
    } else {
      this.preview(object);
    }
  }

  /** Return whether Lab has a text, notebook or image file type for the object. Anything can be previewed. */
  canOpen({ key }: IObjectLocation, size?: number): Openable {
    if (!isPath(key) || !this._isDocument(key)) {
      return 'no document';
    }
    return this.fits(size) ? 'editor' : 'too large';
  }

  /** Return whether Lab can open the object as text, whatever its type. */
  canEdit({ key }: IObjectLocation, size?: number): boolean {
    return isPath(key) && this.fits(size);
  }

  fits(size?: number): boolean {
    return size === undefined || size <= this._options.sizeLimit();
  }

  edit(object: IObjectLocation): void {
    // Types that Lab does not know, or whose opener acts on the content, can only be opened as text.
    const factory = this._isDocument(object.key) ? undefined : 'Editor';
    this._options.openDocument(documentPath(object), factory);
  }

  preview(object: IObjectLocation): void {
    this._options.openPreview(object);
  }

  private _isDocument(key: string): boolean {
    const types = this._options.fileTypes(key);
    return (
      !types.some(({ name }) => ACTION_FILE_TYPES.includes(name)) &&
      types.some(
        ({ contentType, fileFormat, mimeTypes }) =>
          contentType === 'notebook' ||
          (contentType === 'file' &&
            (fileFormat === 'text' ||
              fileFormat === 'json' ||
              mimeTypes.some(type => type.startsWith('image/'))))
      )
    );
  }
}

/**
 * File types whose opener immediately acts on the content: a workspace file replaces the user's workspace of that name
 * and runs Lab commands to restore what it lists.
 */
const ACTION_FILE_TYPES = ['jupyterlab-workspace'];

export namespace Opener {
  export interface IOptions {
    /** Return Lab's file types for this name. */
    fileTypes: (key: string) => readonly DocumentRegistry.IFileType[];
    openDocument: (path: string, factory?: string) => void;
    openPreview: (object: IObjectLocation) => void;
    /** The size limit of editors in bytes. */
    sizeLimit: () => number;
    /** Whether a double click always shows the preview. */
    prefersPreview: () => boolean;
  }
}
