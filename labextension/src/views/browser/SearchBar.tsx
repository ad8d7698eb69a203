import type { TranslationBundle } from '@jupyterlab/translation';
import { searchIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';

import type { BrowserModel } from '../../list/browser';
import type { ISearch } from '../../tokens';
import { IconButton } from '../controls/IconButton';

/** Filters the loaded rows while the user types; Enter searches the store. */
export function SearchBar(props: { model: BrowserModel; trans: TranslationBundle }): JSX.Element {
  const { model, trans } = props;
  const { search } = model;
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState<ISearch['mode'] | null>(null);
  const [recursive, setRecursive] = useState(true);
  const text = search ? typed : model.filter;
  // A wildcard switches to glob mode, unless the user has selected another mode.
  const mode = chosen ?? (/[*?]/.test(text) ? 'glob' : 'contains');

  const start = (q: string, what: Partial<ISearch> = {}) => {
    setTyped(q);
    void model.startSearch({ q, mode, recursive, ...what });
  };
  /** Search again when the options change while hits are shown. */
  const again = (what: Partial<ISearch>) => {
    if (search) {
      start(text, what);
    }
  };
  return (
    <div role="search" className="odhtec-Search">
      <input
        className="jp-mod-styled odhtec-Input odhtec-Filter"
        type="search"
        spellCheck={false}
        placeholder={trans.__('Filter (Enter to search)')}
        aria-label={trans.__('Filter by name')}
        value={text}
        onChange={event => {
          const { value } = event.target;
          setTyped(value);
          if (!search || !value) {
            model.setFilter(value);
          }
        }}
        onKeyDown={event => {
          if (event.key === 'Enter' && text) {
            start(text);
          } else if (event.key === 'Escape' && (text || search)) {
            if (search?.running) {
              search.cancel();
            } else {
              model.setFilter('');
            }
          } else {
            return;
          }
          event.stopPropagation();
          event.preventDefault();
        }}
      />
      {(text || search) && (
        <div className="odhtec-Search-how">
          <select
            aria-label={trans.__('Match mode')}
            value={mode}
            onChange={event => {
              const wanted = event.target.value as ISearch['mode'];
              setChosen(wanted);
              again({ mode: wanted });
            }}
          >
            <option value="contains">{trans.__('contains')}</option>
            <option value="prefix">{trans.__('starts with')}</option>
            <option value="glob">{trans.__('matches pattern (*, ?)')}</option>
          </select>
          <select
            aria-label={trans.__('Search in')}
            value={recursive ? 'below' : 'here'}
            onChange={event => {
              const below = event.target.value === 'below';
              setRecursive(below);
              again({ recursive: below });
            }}
          >
            <option value="below">{trans.__('all folders')}</option>
            <option value="here">{trans.__('this folder')}</option>
          </select>
          <IconButton
            icon={searchIcon}
            label={trans.__('Search')}
            disabled={!text}
            onClick={() => start(text)}
          />
        </div>
      )}
    </div>
  );
}
