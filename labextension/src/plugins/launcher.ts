import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { LAUNCHER_RANK } from '../lab/commands/ranks';
import { CommandIDs, LAUNCHER_PLUGIN_ID } from '../tokens';

export const launcher: JupyterFrontEndPlugin<void> = {
  id: LAUNCHER_PLUGIN_ID,
  description: 'Adds an object storage card to the launcher.',
  autoStart: true,
  optional: [ITranslator, ILauncher],
  activate: (
    _: JupyterFrontEnd,
    translator: ITranslator | null,
    launcher: ILauncher | null
  ): void => {
    // Lab's own category, with Lab's translation.
    const category = (translator ?? nullTranslator).load('jupyterlab').__('Other');
    launcher?.add({ command: CommandIDs.open, category, rank: LAUNCHER_RANK });
  }
};
