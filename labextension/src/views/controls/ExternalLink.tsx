import type { ReactNode } from 'react';

/** A link that leaves Lab. */
export function ExternalLink({
  href,
  children
}: {
  href: string;
  children: ReactNode;
}): JSX.Element {
  return (
    <a className="odhtec-Link" href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
