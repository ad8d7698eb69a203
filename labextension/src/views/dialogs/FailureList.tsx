import type { TranslationBundle } from '@jupyterlab/translation';

import type { KeyFailure } from '../../tokens';

/** A store that refuses often refuses everything, so show only the first ones. */
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
