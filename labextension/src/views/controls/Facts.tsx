import { Fragment, type ReactNode } from 'react';

/** A list of names and values; empty values are left out. */
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
