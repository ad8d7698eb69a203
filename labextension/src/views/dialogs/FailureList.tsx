import type { TranslationBundle } from '@jupyterlab/translation';

import type { KeyFailure } from '../../tokens';

/** A store that refuses, refuses everything: nobody reads the thousandth line. */
const MAX_FAILURES = 100;

export function FailureList({
  failures,
  trans
}: {
  failures: readonly KeyFailure[];
  trans: TranslationBundle;
}): JSX.Element {
  const more = failures.length - MAX_FAILURES;
  return (
    <ul className="odhtec-Failures">
      {failures.slice(0, MAX_FAILURES).map(({ Key, Code, Message }) => (
        <li key={Key}>
          <strong>{Key}</strong>
          <span>{trans.__('%1 (%2)', Message, Code)}</span>
        </li>
      ))}
      {more > 0 && <li>{trans.__('and %1 more', more.toLocaleString())}</li>}
    </ul>
  );
}
