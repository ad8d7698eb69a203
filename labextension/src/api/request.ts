import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { visible } from '../visible';
import { xsrfToken } from './xsrf';

/** An error reply of the server, in its own words. `status` is 0 when no reply arrived. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number
  ) {
    // The message contains names that other users chose.
    super(visible(message));
    this.name = 'ApiError';
  }

  /** Convert anything thrown to an ApiError, so that views handle one type. */
  static from(reason: unknown): ApiError {
    if (reason instanceof ApiError) {
      return reason;
    }
    return new ApiError(
      'InternalError',
      reason instanceof Error ? reason.message : String(reason),
      0
    );
  }

  static unreachable(): ApiError {
    return new ApiError('NetworkError', 'The Jupyter server is not responding.', 0);
  }

  /** Return the error in a reply's body. A 404 in another format comes from a server without our routes. */
  static ofReply(status: number, statusText: string, body: string): ApiError {
    try {
      const { error, message } = JSON.parse(body);
      if (typeof error === 'string' && typeof message === 'string') {
        return new ApiError(error, message, status);
      }
      if (status !== 404 && typeof message === 'string' && message) {
        return new ApiError(`HTTP${status}`, message, status);
      }
    } catch {
      // A proxy's HTML page, or an empty body: only the status is known.
    }
    if (status === 413) {
      return new ApiError(
        PROXY_LIMIT,
        'A proxy in front of the Jupyter server limits the size of requests. ' +
          'Its administrator can raise the limit (nginx: client_max_body_size).',
        status
      );
    }
    if (status === 404) {
      return new ApiError(NOT_ENABLED, 'The server extension is not enabled.', status);
    }
    return new ApiError(
      `HTTP${status}`,
      `The server replied ${status} ${statusText}`.trim() + '.',
      status
    );
  }
}

export const NOT_ENABLED = 'ServerExtensionNotEnabled';
/** Our own server uses EntityTooLarge. */
export const PROXY_LIMIT = 'ProxyBodyLimit';

export function apiUrl(settings: ServerConnection.ISettings, path: string): string {
  return URLExt.join(settings.baseUrl, 'odhtec/api') + path;
}

/**
 * Return a URL that the browser fetches itself, without our headers. The server checks that the request does not come
 * from another site: by the Referer, which a proxy or the user may remove, or by this XSRF value, which Lab's own file
 * links also carry.
 */
export function linkUrl(settings: ServerConnection.ISettings, path: string): string {
  const url = apiUrl(settings, path);
  const token = xsrfToken(document.cookie);
  return token === undefined
    ? url
    : `${url}${path.includes('?') ? '&' : '?'}${new URLSearchParams({ _xsrf: token })}`;
}

/** Send a request with Lab's server settings, which add the token and XSRF headers. */
export async function request(
  settings: ServerConnection.ISettings,
  path: string,
  init: RequestInit = {}
): Promise<Response> {
  let response: Response;
  try {
    response = await ServerConnection.makeRequest(apiUrl(settings, path), init, settings);
  } catch (reason) {
    throw init.signal?.aborted ? reason : ApiError.unreachable();
  }
  if (!response.ok) {
    throw ApiError.ofReply(response.status, response.statusText, await response.text());
  }
  return response;
}
