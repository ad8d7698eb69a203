import { useState } from 'react';

import type { IBodyProps, Kind } from './bodyprops';
import { Rendered } from './Rendered';
import { Scroll } from './Scroll';

/** The beginning of a text; Markdown rendered or as source. */
export function TextBody(props: IBodyProps<Kind<'text'>>): JSX.Element {
  const { preview, object, renderers, trans } = props;
  const { text, language, truncated } = preview;
  const markdown = language === 'markdown';
  const [asSource, setAsSource] = useState(!markdown);
  if (!text) {
    return <p className="odhtec-Preview-empty">{trans.__('The object is empty.')}</p>;
  }
  return (
    <>
      {markdown && (
        <div className="odhtec-Preview-choice">
          <button
            type="button"
            className="odhtec-LinkButton"
            aria-pressed={asSource}
            onClick={() => setAsSource(!asSource)}
          >
            {asSource ? trans.__('Show Rendered') : trans.__('Show Source')}
          </button>
        </div>
      )}
      {asSource ? (
        <Rendered
          key="source"
          className="odhtec-Preview-code"
          text={text}
          render={node => renderers.code(node, text, object.key, language ?? null)}
        />
      ) : (
        <Scroll key="rendered" label={trans.__('Text')}>
          <Rendered
            className="odhtec-Preview-markdown"
            text={text}
            render={node => renderers.markdown(node, text, object)}
          />
        </Scroll>
      )}
      {truncated && (
        <p className="odhtec-Preview-sum">{trans.__('Only the beginning is shown.')}</p>
      )}
    </>
  );
}
