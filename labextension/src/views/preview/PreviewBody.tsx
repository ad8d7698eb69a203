import { ArchiveBody } from './ArchiveBody';
import { BinaryBody } from './BinaryBody';
import type { IBodyProps } from './bodyprops';
import { ImageBody, PdfBody } from './MediaBody';
import { NotebookBody } from './NotebookBody';
import { TableBody } from './TableBody';
import { TensorsBody } from './TensorsBody';
import { TextBody } from './TextBody';

/** Shows a preview according to its kind. */
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
