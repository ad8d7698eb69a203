import { useLayoutEffect, useRef } from 'react';

/**
 * A node filled by something other than React. It is a separate component so that it is cleaned up while the node is
 * still in the page, as Lumino widgets require.
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
