import { Fragment, type ReactNode } from 'react';

/** Names and what they say; a name without anything to say is left out. */
export function Facts({ facts }: { facts: readonly [string, ReactNode][] }): JSX.Element {
  return (
    <dl className="odhtec-Facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== undefined &&
          value !== '' && (
            <Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </Fragment>
          )
      )}
    </dl>
  );
}
