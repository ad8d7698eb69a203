import type { IBodyProps, Kind } from './bodyprops';
import { hexLines } from './hexdump';
import { Scroll } from './Scroll';

/** The first bytes of an object. */
export function BinaryBody({ preview, trans }: IBodyProps<Kind<'binary'>>): JSX.Element {
  if (!preview.head) {
    return (
      <p className="odhtec-Preview-empty">
        {preview.size ? trans.__('Nothing to show.') : trans.__('The object is empty.')}
      </p>
    );
  }
  return (
    <Scroll label={trans.__('First bytes')}>
      <pre className="odhtec-Preview-hex">{hexLines(preview.head).join('\n')}</pre>
    </Scroll>
  );
}
