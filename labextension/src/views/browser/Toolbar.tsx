import type { TranslationBundle } from '@jupyterlab/translation';
import {
  fileUploadIcon,
  newFolderIcon,
  refreshIcon,
  settingsIcon
} from '@jupyterlab/ui-components';

import type { IBrowserActions } from '../actions';
import { IconButton } from '../controls/IconButton';
import { folderUploadIcon, importIcon } from '../icons';

export interface IToolbarProps {
  /** Whether there is a bucket to act on. */
  enabled: boolean;
  /** Why nothing can be written; null if writing is possible. */
  problem: string | null;
  actions: IBrowserActions;
  trans: TranslationBundle;
}

export function Toolbar({ enabled, problem, actions, trans }: IToolbarProps): JSX.Element {
  return (
    <div role="toolbar" className="odhtec-Toolbar" aria-label={trans.__('Object Storage')}>
      <IconButton
        icon={newFolderIcon}
        label={trans.__('New Folder')}
        tooltip={problem}
        disabled={!enabled || problem !== null}
        onClick={() => actions.newFolder()}
      />
      <IconButton
        icon={fileUploadIcon}
        label={trans.__('Upload Files')}
        tooltip={problem}
        disabled={!enabled || problem !== null}
        onClick={() => actions.pickFiles()}
      />
      <IconButton
        icon={folderUploadIcon}
        label={trans.__('Upload Folder')}
        tooltip={problem}
        disabled={!enabled || problem !== null}
        onClick={() => actions.pickFolder()}
      />
      <IconButton
        icon={importIcon}
        label={trans.__('Import from Hugging Face')}
        tooltip={problem}
        disabled={!enabled || problem !== null}
        onClick={() => actions.importModel()}
      />
      <span className="odhtec-Toolbar-spacer" />
      <IconButton
        icon={refreshIcon}
        label={trans.__('Refresh')}
        onClick={() => actions.refresh()}
      />
      <IconButton
        icon={settingsIcon}
        label={trans.__('Settings')}
        onClick={() => actions.settings()}
      />
    </div>
  );
}
