/** Errors in the form that Lab expects of a Contents drive: it looks at their status. */

import { ServerConnection } from '@jupyterlab/services';

import { ApiError } from '../api/request';
import { visible } from '../visible';

/** Run the work, and turn its ApiErrors into errors of Lab. */
export async function withLabErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    if (reason instanceof ApiError) {
      throw reason.status
        ? responseError(reason.status, reason.message)
        : new ServerConnection.NetworkError(new TypeError(reason.message));
    }
    throw reason;
  }
}

/** Throw what Lab expects where a path names nothing. */
export function notFound(path: string): never {
  throw responseError(404, `${path} does not exist.`);
}

export function responseError(status: number, message: string): ServerConnection.ResponseError {
  return new ServerConnection.ResponseError(new Response(null, { status }), visible(message));
}
