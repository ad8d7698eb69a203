import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';

import { formatSize } from '../../format';
import type { IUsage } from '../../list/usage';
import { IconButton } from '../controls/IconButton';

/** The usage of a folder instead of its size; counting can be stopped. */
export function UsageCell(props: {
  usage: IUsage;
  onStop: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { usage, trans } = props;
  if (usage.state === 'failed') {
    return <span className="odhtec-Row-failed">{trans.__('failed')}</span>;
  }
  const size = formatSize(usage.bytes);
  return (
    <>
      {usage.state === 'counting' && (
        <IconButton
          icon={closeIcon}
          label={trans.__('Stop Counting')}
          className="odhtec-Row-stop"
          tabIndex={-1}
          onClick={props.onStop}
        />
      )}
      {/* Mark partial results. */}
      <span>{usage.state === 'counted' ? size : `≥ ${size}`}</span>
    </>
  );
}

/** Return the usage as a sentence. */
export function usageText(usage: IUsage, trans: TranslationBundle): string {
  const counted = trans._n(
    '%2 in one object',
    '%2 in %1 objects',
    usage.objects,
    formatSize(usage.bytes)
  );
  switch (usage.state) {
    case 'counting':
      return trans.__('Counting: %1 so far', counted);
    case 'stopped':
      return trans.__('At least %1 (counting was stopped)', counted);
    case 'failed':
      return trans.__('Counting failed: %1', usage.error?.message ?? '');
    default:
      return counted;
  }
}
