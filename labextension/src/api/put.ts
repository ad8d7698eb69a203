import type { ServerConnection } from '@jupyterlab/services';

import { ApiError } from './request';
import { xsrfToken } from './xsrf';

export interface IPutOptions {
  signal?: AbortSignal;
  /** Bytes of the body that the browser has sent. */
  onProgress?: (sent: number) => void;
}

/** Without a limit, the browser reports a broken connection only after 15 minutes. */
const IDLE_TIMEOUT_MS = 120_000;
/** After the body is sent, the store may need time to reply. */
const REPLY_TIMEOUT_MS = 300_000;

/** PUT a blob. Uses XMLHttpRequest, because fetch reports no upload progress. */
export function putBlob(
  settings: ServerConnection.ISettings,
  url: string,
  body: Blob,
  { signal, onProgress }: IPutOptions
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    const aborted = () =>
      reject(
        timedOut
          ? ApiError.unreachable()
          : new DOMException('The upload was cancelled.', 'AbortError')
      );
    let timedOut = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const restartTimer = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timedOut = true;
        xhr.abort();
      }, ms);
    };
    if (signal?.aborted) {
      aborted();
      return;
    }
    xhr.open('PUT', url);
    xhr.withCredentials = settings.init.credentials === 'include';
    xhr.setRequestHeader('Content-Type', body.type || 'application/octet-stream');
    if (settings.token) {
      xhr.setRequestHeader('Authorization', `token ${settings.token}`);
    }
    const xsrf = xsrfToken(document.cookie);
    if (xsrf !== undefined) {
      xhr.setRequestHeader('X-XSRFToken', xsrf);
    }
    xhr.upload.onprogress = event => {
      restartTimer(IDLE_TIMEOUT_MS);
      onProgress?.(event.loaded);
    };
    xhr.upload.onload = () => restartTimer(REPLY_TIMEOUT_MS);
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) {
        resolve({ status: xhr.status, text: xhr.responseText });
      } else {
        reject(ApiError.ofReply(xhr.status, xhr.statusText, xhr.responseText));
      }
    };
    xhr.onerror = () => reject(ApiError.unreachable());
    xhr.onabort = aborted;
    xhr.onloadend = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    signal?.addEventListener('abort', abort);
    restartTimer(IDLE_TIMEOUT_MS);
    xhr.send(body);
  });
}
