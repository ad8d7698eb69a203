import type { TranslationBundle } from '@jupyterlab/translation';

import type { IObjectLocation } from '../../drive/documents';
import type { Preview } from '../../tokens';

/** What Lab draws for us: each fills a node, and gives back how to take it away. */
export interface IRenderers {
  /** Text with its language's colours. */
  code(node: HTMLElement, text: string, key: string, language: string | null): () => void;
  /** Markdown, sanitised, without what stands on other servers. */
  markdown(node: HTMLElement, text: string, object: IObjectLocation): () => void;
  viewUrl(object: IObjectLocation): string;
  /** The object's bytes as a document for the browser's own viewer. */
  pdfUrl(object: IObjectLocation, signal: AbortSignal): Promise<string>;
  /** Bytes of a document that are brought into the page. */
  sizeLimit(): number;
}

export interface IBodyProps<P extends Preview = Preview> {
  preview: P;
  object: IObjectLocation;
  renderers: IRenderers;
  trans: TranslationBundle;
}

export type Kind<K extends Preview['kind']> = Extract<Preview, { kind: K }>;
