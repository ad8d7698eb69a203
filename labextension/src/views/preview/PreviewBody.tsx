import type { TranslationBundle } from '@jupyterlab/translation';

import type { IObjectLocation } from '../../drive/documents';
import type { Preview } from '../../tokens';
import { ArchiveBody } from './ArchiveBody';
import { BinaryBody } from './BinaryBody';
import { ImageBody, PdfBody } from './MediaBody';
import { NotebookBody } from './NotebookBody';
import { TableBody } from './TableBody';
import { TensorsBody } from './TensorsBody';
import { TextBody } from './TextBody';

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

/** Each kind in its own way. */
export function PreviewBody(props: IBodyProps): JSX.Element {
  const { preview, ...rest } = props;
  switch (preview.kind) {
    case 'table':
      return <TableBody preview={preview} {...rest} />;
    case 'text':
      return <TextBody preview={preview} {...rest} />;
    case 'tensors':
      return <TensorsBody preview={preview} {...rest} />;
    case 'image':
      return <ImageBody preview={preview} {...rest} />;
    case 'pdf':
      return <PdfBody preview={preview} {...rest} />;
    case 'notebook':
      return <NotebookBody preview={preview} {...rest} />;
    case 'archive':
      return <ArchiveBody preview={preview} {...rest} />;
    default:
      return <BinaryBody preview={preview} {...rest} />;
  }
}
