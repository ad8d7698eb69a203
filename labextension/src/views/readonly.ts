import type { TranslationBundle } from '@jupyterlab/translation';

import type { ConnectionsModel } from '../list/connections';
import { visible } from '../visible';

/** Return why nothing can be written through a connection, by its name; null if writing is not excluded. */
export function readOnlyReason(
  connection: string,
  connections: ConnectionsModel,
  trans: TranslationBundle
): string | null {
  return connections.find(connection)?.readOnly
    ? trans.__('The connection “%1” is read-only.', visible(connections.titleOf(connection)))
    : null;
}
