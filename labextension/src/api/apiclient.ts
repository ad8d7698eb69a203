import type { ServerConnection } from '@jupyterlab/services';

import { request } from './request';

/** Requests to the extension's own endpoints. */
export abstract class APIClient {
  constructor(protected readonly _settings: ServerConnection.ISettings) {}

  protected async _json<T>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal
  ): Promise<T> {
    const response = await this._send(method, path, body, signal);
    return (await response.json()) as T;
  }

  protected _send(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal
  ): Promise<Response> {
    const json = body && JSON.stringify(body);
    return request(this._settings, path, { method, body: json, signal });
  }
}

/** Return a path with its query, which names the connection unless it is the default one. */
export function inConnection(
  path: string,
  connection: string,
  query: Iterable<[string, string]> = []
): string {
  const all = new URLSearchParams([...query]);
  if (connection) {
    all.set('connection', connection);
  }
  return all.size ? `${path}?${all}` : path;
}
