import type { ReactNode } from 'react';

/** A region that the keyboard can scroll. */
export function Scroll(props: { label: string; children: ReactNode }): JSX.Element {
  return (
    <div className="odhtec-Preview-scroll" role="region" aria-label={props.label} tabIndex={0}>
      {props.children}
    </div>
  );
}
