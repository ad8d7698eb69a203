import { ServerConnection } from '@jupyterlab/services';
import { afterEach, describe, expect, it } from 'vitest';

import { OdhTecAPI } from './api';
import { ApiError, NOT_ENABLED } from './request';

describe('ApiError.ofReply', () => {
  it("keeps the server's code and message", () => {
    const body = JSON.stringify({ error: 'NoSuchBucket', message: 'There is none.' });
    const error = ApiError.ofReply(404, 'Not Found', body);
    expect([error.code, error.message, error.status]).toEqual([
      'NoSuchBucket',
      'There is none.',
      404
    ]);
  });

  it('recognizes the 404 of a server without the extension', () => {
    const tornado = JSON.stringify({ message: 'Not Found', reason: null });
    expect(ApiError.ofReply(404, 'Not Found', tornado).code).toBe(NOT_ENABLED);
    expect(ApiError.ofReply(404, 'Not Found', '<html>').code).toBe(NOT_ENABLED);
  });

  it('replaces the HTML page of a proxy by a message', () => {
    const error = ApiError.ofReply(504, 'Gateway Timeout', '<html>');
    expect(error.message).toBe('The server replied 504 Gateway Timeout.');
  });
});

describe('links that the browser follows itself', () => {
  const api = new OdhTecAPI(ServerConnection.makeSettings({ baseUrl: 'http://lab/' }));

  afterEach(() => {
    document.cookie = '_xsrf=; max-age=0';
  });

  it('contain the XSRF value, which other sites do not know', () => {
    document.cookie = '_xsrf=2|a|b|1';
    const query = '_xsrf=2%7Ca%7Cb%7C1';
    expect(api.downloadUrl('b', 'a')).toBe(`http://lab/odhtec/api/objects/download/b/YQ?${query}`);
    expect(api.viewUrl('b', 'a', 'v')).toBe(
      `http://lab/odhtec/api/objects/view/b/YQ?versionId=v&${query}`
    );
    expect(api.archiveUrl('b', '', { keys: ['a'], prefixes: [] })).toBe(
      `http://lab/odhtec/api/archive/b?key=YQ&${query}`
    );
  });

  it('contain no XSRF value without the cookie', () => {
    expect(api.downloadUrl('b', 'a')).toBe('http://lab/odhtec/api/objects/download/b/YQ');
  });
});
