import type { TranslationBundle } from '@jupyterlab/translation';

import type { IObjectLocation } from '../../drive/documents';
import type { Preview } from '../../tokens';

/** Renderers of Lab: each fills a node and returns a function that removes the content. */
export interface IRenderers {
  /** Render text with syntax highlighting. */
  code(node: HTMLElement, text: string, key: string, language: string | null): () => void;
  /** Render sanitized Markdown without anything from other servers. */
  markdown(node: HTMLElement, text: string, object: IObjectLocation): () => void;
  viewUrl(object: IObjectLocation): string;
  /** Return a URL of the object's bytes for the browser's own viewer. */
  pdfUrl(object: IObjectLocation, signal: AbortSignal): Promise<string>;
  /** The maximum size of documents in bytes. */
  sizeLimit(): number;
}

export interface IBodyProps<P extends Preview = Preview> {
  preview: P;
  object: IObjectLocation;
  renderers: IRenderers;
  trans: TranslationBundle;
}

export type Kind<K extends Preview['kind']> = Extract<Preview, { kind: K }>;
