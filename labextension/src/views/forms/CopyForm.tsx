import type { TranslationBundle } from '@jupyterlab/translation';
import type { FormEvent } from 'react';

import { formatSize } from '../../format';
import type { CopyModel } from '../../forms/copymodel';
import type { Transfer } from '../../tokens';
import { FormFooter, MainButton } from '../controls/FormFooter';
import { useSignal } from '../hooks';
import { ConflictChoice } from './ConflictChoice';
import { FolderField } from './FolderField';

export interface ICopyFormProps {
  model: CopyModel;
  onStarted: (transfer: Transfer) => void;
  onClose: () => void;
  trans: TranslationBundle;
}

/** The target of a copy or move, and what it will do. */
export function CopyForm({ model, onStarted, onClose, trans }: ICopyFormProps): JSX.Element {
  useSignal(model.stateChanged);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await model.start(onStarted)) {
      onClose();
    }
  };
  return (
    <form className="odhtec-Form" onSubmit={event => void submit(event)} aria-busy={!!model.busy}>
      <p className="odhtec-Form-what">{rowsText(model, trans)}</p>
      <FolderField chooser={model.chooser} error={targetProblemText(model, trans)} trans={trans} />
      <FormFooter
        choice={<Conflict model={model} trans={trans} />}
        error={(model.error ?? model.planError)?.message ?? model.plan?.why}
        status={planText(model, trans)}
        onClose={onClose}
        trans={trans}
      >
        <MainButton
          label={
            model.busy
              ? trans.__('Starting…')
              : model.action === 'move'
                ? trans.__('Move')
                : trans.__('Copy')
          }
          disabled={!model.ready}
        />
      </FormFooter>
    </form>
  );
}

function Conflict({ model, trans }: Pick<ICopyFormProps, 'model' | 'trans'>): JSX.Element | null {
  if (!model.asksConflict) {
    return null;
  }
  return (
    <ConflictChoice
      legend={
        model.plan
          ? trans._n(
              'One object already exists and is different',
              '%1 objects already exist and are different',
              model.plan.conflicts
            )
          : trans.__('If different objects already exist')
      }
      value={model.onConflict}
      onChange={value => model.setOnConflict(value)}
      trans={trans}
    />
  );
}

function rowsText({ rows }: CopyModel, trans: TranslationBundle): string {
  return rows.length === 1
    ? rows[0].name
    : trans.__('%1 and %2 more', rows[0]?.name ?? '', (rows.length - 1).toLocaleString());
}

function targetProblemText(model: CopyModel, trans: TranslationBundle): string | null {
  switch (model.targetProblem) {
    case 'nowhere':
      return trans.__('Enter a bucket.');
    case 'same':
      return trans.__('Already in this folder. Choose another folder.');
    case 'inside':
      return trans.__('A folder cannot be inside itself. Choose another folder.');
    default:
      return null;
  }
}

/** Return a text such as `12 files, 1.2 GB, to s3://bucket/folder/ · 3 already exist and are identical`. */
function planText(model: CopyModel, trans: TranslationBundle): string | null {
  const { plan } = model;
  if (model.planning) {
    return trans.__('Checking the target… You can start now.');
  }
  if (!plan) {
    return null;
  }
  const files = trans._n('%1 file', '%1 files', plan.files);
  const parts = [trans.__('%1, %2, to %3', files, formatSize(plan.bytes), model.target)];
  if (plan.identical) {
    parts.push(
      trans._n(
        'one already exists and is identical',
        '%1 already exist and are identical',
        plan.identical
      )
    );
  }
  if (plan.refused) {
    parts.push(trans._n('one cannot be stored', '%1 cannot be stored', plan.refused));
  }
  return parts.join(' · ');
}
