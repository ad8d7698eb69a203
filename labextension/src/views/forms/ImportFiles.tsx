import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { formatSize } from '../../format';
import type { ImportModel } from '../../forms/importmodel';
import type { FileStatus } from '../../forms/importplan';
import { SAFETENSORS_ONLY, splitPatterns } from '../../forms/patterns';
import type { HubFile } from '../../tokens';
import { CheckList } from '../controls/CheckList';
import { Field } from '../controls/Field';

interface IImportFilesProps {
  model: ImportModel;
  trans: TranslationBundle;
}

/** Select files to import: by kind, by patterns, or one by one. */
export function ImportFiles({ model, trans }: IImportFilesProps): JSX.Element {
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLocaleLowerCase();
  const files = (model.found?.files ?? []).filter(({ path }) =>
    path.toLocaleLowerCase().includes(wanted)
  );
  return (
    <section
      className="odhtec-Group"
      aria-label={trans.__('Files to import')}
      onKeyDown={event => {
        // Enter in a pattern must not start the import.
        if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
          event.preventDefault();
          event.stopPropagation();
        }
      }}
    >
      <QuickChoices model={model} trans={trans} />
      <Patterns model={model} trans={trans} />
      <input
        className="jp-mod-styled"
        type="search"
        spellCheck={false}
        placeholder={trans.__('Search files')}
        aria-label={trans.__('Search files')}
        value={search}
        onChange={event => setSearch(event.target.value)}
      />
      <CheckList
        label={trans.__('Files')}
        count={files.length}
        keyOf={index => files[index].path}
        isTicked={index => model.chosen.has(files[index].path)}
        onTick={(from, to, on) =>
          model.tick(
            files.slice(from, to + 1).map(({ path }) => path),
            on
          )
        }
      >
        {index => <FileLine file={files[index]} model={model} trans={trans} />}
      </CheckList>
      <div className="odhtec-Group-sum" role="status">
        {sumText(model, trans)}
      </div>
    </section>
  );
}

function QuickChoices({ model, trans }: IImportFilesProps): JSX.Element {
  const quick = (label: string, choose: () => void, disabled = false) => (
    <button
      type="button"
      className="jp-mod-styled jp-mod-reject odhtec-Quick"
      disabled={disabled}
      onClick={choose}
    >
      {label}
    </button>
  );
  return (
    <div className="odhtec-Quicks" role="group" aria-label={trans.__('Quick selection')}>
      {quick(trans.__('All'), () => model.chooseAll())}
      {model.found?.repoType === 'model' &&
        quick(trans.__('Safetensors Only'), () => model.choosePatterns(SAFETENSORS_ONLY, []))}
      {quick(trans.__('New Files Only'), () => model.chooseNew(), !model.plan)}
      {quick(trans.__('None'), () =>
        model.tick(
          (model.found?.files ?? []).map(({ path }) => path),
          false
        )
      )}
    </div>
  );
}

/** The fields keep the entered text; the model gets the patterns in it. */
function Patterns({ model, trans }: IImportFilesProps): JSX.Element {
  const { include, exclude } = model.choice;
  return (
    <div className="odhtec-Form-row">
      <PatternField
        label={trans.__('Include')}
        placeholder={trans.__('all files')}
        patterns={include}
        onChange={patterns => model.choosePatterns(patterns, exclude)}
      />
      <PatternField
        label={trans.__('Exclude')}
        placeholder={trans.__('for example *.bin onnx/')}
        patterns={exclude}
        onChange={patterns => model.choosePatterns(include, patterns)}
      />
    </div>
  );
}

function PatternField(props: {
  label: string;
  placeholder: string;
  patterns: readonly string[];
  onChange: (patterns: string[]) => void;
}): JSX.Element {
  const [typed, setTyped] = useState('');
  // A quick selection replaces the text; a trailing space does not.
  const same = splitPatterns(typed).join(' ') === props.patterns.join(' ');
  return (
    <Field label={props.label}>
      <input
        className="jp-mod-styled"
        spellCheck={false}
        placeholder={props.placeholder}
        value={same ? typed : props.patterns.join(' ')}
        onChange={event => {
          setTyped(event.target.value);
          props.onChange(splitPatterns(event.target.value));
        }}
      />
    </Field>
  );
}

function FileLine({ file, model, trans }: { file: HubFile } & IImportFilesProps): JSX.Element {
  const status = model.statusOf(file.path);
  return (
    <>
      <span className="odhtec-CheckList-name" title={file.path}>
        {file.path}
      </span>
      <span className={`odhtec-Status odhtec-mod-${status}`}>{statusText(status, trans)}</span>
      <span className="odhtec-CheckList-size">{formatSize(file.size)}</span>
    </>
  );
}

function statusText(status: FileStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'new':
      return trans.__('new');
    case 'identical':
      return trans.__('identical');
    case 'differs':
      return trans.__('different');
    case 'refused':
      return trans.__('cannot be stored');
    default:
      return '';
  }
}

/** Return a text such as `12 of 24 files selected · 1.2 GB · 10 new, 1 identical, 1 different`. */
function sumText(model: ImportModel, trans: TranslationBundle): string {
  const all = model.found?.files.length ?? 0;
  const files = model.chosenFiles;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const states = (['new', 'identical', 'differs', 'refused'] as const)
    .map(status => [model.count(status), status] as const)
    .filter(([count]) => count > 0)
    .map(([count, status]) => `${count.toLocaleString()} ${statusText(status, trans)}`);
  const parts = [
    trans.__('%1 of %2 files selected', files.length.toLocaleString(), all.toLocaleString()),
    formatSize(bytes),
    model.planning ? trans.__('Comparing with the bucket…') : states.join(', ')
  ];
  const text = parts.filter(Boolean).join(' · ');
  return model.plan?.partial
    ? trans.__(
        '%1. Of all files, %2 are different; only the first are marked.',
        text,
        model.plan.differing.toLocaleString()
      )
    : text;
}
