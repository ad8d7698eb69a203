/** Errors in the form that Lab expects from a Contents drive: Lab checks their status. */

import { ServerConnection } from '@jupyterlab/services';

import { ApiError } from '../api/request';
import { visible } from '../visible';

/** Run the work and convert its ApiErrors to errors of Lab. */
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

/** Throw the error that Lab expects for a path that does not exist. */
export function notFound(path: string): never {
  throw responseError(404, `${path} does not exist.`);
}

export function responseError(status: number, message: string): ServerConnection.ResponseError {
  return new ServerConnection.ResponseError(new Response(null, { status }), visible(message));
}
