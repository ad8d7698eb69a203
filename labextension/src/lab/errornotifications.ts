import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { ApiError } from '../api/request';

/** Show an error until the user dismisses it. */
export function notifyError(title: string, why: string, trans: TranslationBundle): void {
  Notification.error(trans.__('%1: %2', title, why), { autoClose: false });
}

/** Say why an action is not possible. */
export function notifyRefused(why: string): void {
  Notification.warning(why, { autoClose: 5000 });
}

/** Run the work; if it fails, show the title with the reason. */
export async function notifyIfFails(
  title: string,
  trans: TranslationBundle,
  work: () => Promise<void>
): Promise<void> {
  try {
    await work();
  } catch (reason) {
    notifyError(title, ApiError.from(reason).message, trans);
  }
}
