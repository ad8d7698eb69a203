import type { DocumentRegistry } from '@jupyterlab/docregistry';

import { documentPath, isPath, type IObjectLocation } from '../../drive/documents';

/** Whether Lab's own editors and viewers open an object, and what stands in the way when they do not. */
export type Openable = 'editor' | 'too large' | 'no document';

/** Decides who opens an object: Lab's editors and viewers, or the preview. */
export class Opener {
  constructor(private readonly _options: Opener.IOptions) {}

  /** What a double click does. */
  open(object: IObjectLocation, size?: number): void {
    if (!this._options.prefersPreview() && this.canOpen(object, size) === 'editor') {
      this.edit(object);
    } else {
      this.preview(object);
    }
  }

  /** Documents are what Lab has a kind of text, notebook or image for; anything may be looked at. */
  canOpen({ key }: IObjectLocation, size?: number): Openable {
    if (!isPath(key) || !this._isDocument(key)) {
      return 'no document';
    }
    return this.fits(size) ? 'editor' : 'too large';
  }

  /** Whether Lab can be asked to open it as text, whatever its kind. */
  canEdit({ key }: IObjectLocation, size?: number): boolean {
    return isPath(key) && this.fits(size);
  }

  fits(size?: number): boolean {
    return size === undefined || size <= this._options.sizeLimit();
  }

  edit(object: IObjectLocation): void {
    // Of a kind that Lab does not know, or that does something when it is opened, all that can be tried is text.
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
 * File types whose opener acts at once on what the file says: a workspace replaces the user's own of that name, and runs
 * Lab's commands to restore what it lists.
 */
const ACTION_FILE_TYPES = ['jupyterlab-workspace'];

export namespace Opener {
  export interface IOptions {
    /** What Lab knows this name to be. */
    fileTypes: (key: string) => readonly DocumentRegistry.IFileType[];
    openDocument: (path: string, factory?: string) => void;
    openPreview: (object: IObjectLocation) => void;
    /** Bytes that are opened in an editor. */
    sizeLimit: () => number;
    /** Whether a double click always shows the preview. */
    prefersPreview: () => boolean;
  }
}
