import type { TranslationBundle } from '@jupyterlab/translation';

import type { ConnectionTestModel } from '../../forms/connectiontestmodel';
import type { ConnectionCheck } from '../../tokens';
import { visible } from '../../visible';
import { CopyButton } from '../controls/CopyButton';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { useSignal } from '../hooks';

export interface IConnectionTestFormProps {
  model: ConnectionTestModel;
  /** Why the test cannot write; null if it can. */
  readOnlyReason: string | null;
  onClose: () => void;
  trans: TranslationBundle;
}

/** The report about a connection, line by line, which can be copied for a support ticket. */
export function ConnectionTestForm(props: IConnectionTestFormProps): JSX.Element {
  const { model, readOnlyReason, onClose, trans } = props;
  useSignal(model.stateChanged);
  const { report } = model;
  return (
    <form
      className="odhtec-Form"
      aria-busy={!!model.busy}
      onSubmit={event => {
        event.preventDefault();
        void model.test(false);
      }}
    >
      <p className="odhtec-Form-what">{visible(model.title)}</p>
      {report && (
        <ul className="odhtec-Checks" aria-label={trans.__('Results')}>
          {report.checks.map(check => (
            <Check key={check.id} check={check} trans={trans} />
          ))}
        </ul>
      )}
      <FormFooter
        error={model.error?.message}
        status={statusText(model, trans)}
        onClose={onClose}
        closeLabel={trans.__('Close')}
        trans={trans}
      >
        {report && <CopyButton text={report.text} trans={trans} />}
        <button
          type="button"
          className="jp-Dialog-button jp-mod-styled jp-mod-reject"
          disabled={!!model.busy || readOnlyReason !== null}
          title={
            readOnlyReason ?? trans.__('Stores a small object and removes it again, then tests all')
          }
          onClick={() => void model.test(true)}
        >
          {trans.__('Test Writing')}
        </button>
        <MainButton
          label={model.busy ? trans.__('Testing…') : trans.__('Test Again')}
          disabled={!!model.busy}
        />
      </FormFooter>
    </form>
  );
}

function Check({
  check,
  trans
}: {
  check: ConnectionCheck;
  trans: TranslationBundle;
}): JSX.Element {
  return (
    <li className={`odhtec-Check odhtec-mod-${check.status}`}>
      <span className="odhtec-Check-status">{statusWord(check.status, trans)}</span>
      <span>
        <b>{visible(check.title)}</b> {visible(check.message)}
      </span>
    </li>
  );
}

function statusWord(status: ConnectionCheck['status'], trans: TranslationBundle): string {
  switch (status) {
    case 'ok':
      return trans.__('OK');
    case 'warning':
      return trans.__('Warning');
    case 'failed':
      return trans.__('Failed');
    default:
      return trans.__('Skipped');
  }
}

function statusText(model: ConnectionTestModel, trans: TranslationBundle): string | null {
  if (model.busy) {
    return trans.__('Testing, which can take a minute…');
  }
  switch (model.report?.status) {
    case 'ok':
      return trans.__('The connection works.');
    case 'warning':
      return trans.__('The connection works, with warnings.');
    case 'failed':
      return trans.__('The connection does not work as expected.');
    default:
      return null;
  }
}
