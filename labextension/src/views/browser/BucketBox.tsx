import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownEmptyThinIcon } from '@jupyterlab/ui-components';
import { useId, useState, type KeyboardEvent } from 'react';

import { bucketAddress, splitBucket } from '../../api/bucketaddress';
import { parseLocation, s3Uri } from '../../api/keys';
import type { BrowserModel } from '../../list/browser';
import type { IBrowserActions } from '../actions';

export interface IBucketBoxProps {
  model: BrowserModel;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

interface IChoice {
  id: string;
  label: string;
  choose: () => void;
}

/** Select a bucket from the list, or enter any name: some credentials can use a bucket that they cannot list. */
export function BucketBox({ model, actions, trans }: IBucketBoxProps): JSX.Element {
  const id = useId();
  // Null while the user has entered nothing: the box then shows the open bucket, and the list is complete.
  const [typed, setTyped] = useState<string | null>(null);
  const [expanded, setExpanded] = useState(false);
  const [active, setActive] = useState(-1);

  const close = () => {
    setTyped(null);
    setExpanded(false);
    setActive(-1);
  };
  // The list shows names without their connection, which stands above.
  const { connection } = model;
  const nameOf = (address: string) => splitBucket(address).bucket;
  const addressOf = (name: string) =>
    name.includes('@') ? name : bucketAddress({ connection, bucket: name });
  const open = (name: string) => {
    close();
    const location = parseLocation(name, null);
    if (location) {
      void model.openLocation(location.bucket, location.path);
    } else if (name && addressOf(name) !== model.bucket) {
      void model.open(addressOf(name));
    }
  };

  const shown = nameOf(model.bucket ?? '');
  const name = (typed ?? '').trim();
  const location = /^s3a?:\/\//.test(name) ? parseLocation(name, null) : null;
  const known = model.buckets.names.map(nameOf);
  const choices: IChoice[] = known
    .filter(bucket => bucket.toLocaleLowerCase().includes(name.toLocaleLowerCase()))
    .map((bucket, index) => ({ id: `${id}-${index}`, label: bucket, choose: () => open(bucket) }));
  if (name && !known.includes(name)) {
    choices.push({
      id: `${id}-open`,
      label: trans.__('Open “%1”', name),
      choose: () => open(name)
    });
  }
  // Recent folders and buckets that cannot be listed, without the open one.
  const recent = model.recent.locations.filter(
    ({ bucket, prefix }) =>
      (prefix !== '' || !model.buckets.names.includes(bucket)) &&
      (bucket !== model.bucket || prefix !== model.prefix) &&
      s3Uri(bucket, prefix).toLocaleLowerCase().includes(name.toLocaleLowerCase())
  );
  recent.forEach(({ bucket, prefix }, index) => {
    choices.push({
      id: `${id}-recent-${index}`,
      label: s3Uri(bucket, prefix),
      choose: () => {
        close();
        void model.open(bucket, prefix);
      }
    });
  });
  if (!location) {
    choices.push({
      id: `${id}-new`,
      label:
        name && !known.includes(name)
          ? trans.__('Create Bucket “%1”…', name)
          : trans.__('Create Bucket…'),
      choose: () => {
        close();
        actions.newBucket(known.includes(name) ? '' : name);
      }
    });
  }

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setExpanded(true);
      setActive((active + step + choices.length) % choices.length);
    } else if (event.key === 'Enter') {
      if (expanded && active >= 0) {
        choices[active].choose();
      } else {
        open(name);
      }
    } else if (event.key === 'Escape' && expanded) {
      close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="odhtec-BucketBox" onBlur={close}>
      <input
        className="jp-mod-styled odhtec-Input"
        role="combobox"
        type="text"
        spellCheck={false}
        autoComplete="off"
        aria-label={trans.__('Bucket')}
        aria-expanded={expanded}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={expanded ? choices[active]?.id : undefined}
        placeholder={trans.__('Choose or enter a bucket')}
        title={
          model.buckets.listable
            ? trans.__('Choose or enter a bucket')
            : trans.__('These credentials cannot list buckets. Enter the name of one.')
        }
        value={typed ?? shown}
        onChange={event => {
          setTyped(event.target.value);
          setExpanded(true);
          setActive(-1);
        }}
        onFocus={event => event.target.select()}
        onClick={() => setExpanded(true)}
        onKeyDown={onKeyDown}
      />
      <caretDownEmptyThinIcon.react
        tag="span"
        className="odhtec-BucketBox-caret"
        aria-hidden="true"
      />
      {expanded && (
        <ul
          role="listbox"
          id={`${id}-list`}
          className="odhtec-BucketBox-list"
          aria-label={trans.__('Buckets')}
        >
          {choices.map((choice, index) => (
            <li
              key={choice.id}
              id={choice.id}
              role="option"
              aria-selected={index === active}
              className={`${choice.label === shown ? 'odhtec-mod-current' : ''} ${
                /-new$|-recent-0$/.test(choice.id) ? 'odhtec-mod-group' : ''
              }`}
              title={choice.label}
              ref={node => {
                if (node && index === active) {
                  node.scrollIntoView?.({ block: 'nearest' });
                }
              }}
              // Keep the focus in the box: its blur would close the list before the click.
              onMouseDown={event => event.preventDefault()}
              onClick={choice.choose}
            >
              {choice.label}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
