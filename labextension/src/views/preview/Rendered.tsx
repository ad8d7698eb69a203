import { useLayoutEffect, useRef } from 'react';

/**
 * A node that something else than React fills. A component of its own: so it is taken away while the node is still in
 * the page, as Lumino's widgets want it.
 */
export function Rendered(props: {
  className: string;
  text: string;
  render: (node: HTMLElement) => () => void;
}): JSX.Element {
  const node = useRef<HTMLDivElement>(null);
  const { className, text, render } = props;
  useLayoutEffect(
    () => render(node.current!),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what is rendered is the text
    [text]
  );
  return <div ref={node} className={className} />;
}
