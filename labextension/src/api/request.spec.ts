import { describe, expect, it } from 'vitest';

import { ApiError, NOT_ENABLED } from './request';

describe('ApiError.ofReply', () => {
  it("repeats the server's code and sentence", () => {
    const body = JSON.stringify({ error: 'NoSuchBucket', message: 'There is none.' });
    const error = ApiError.ofReply(404, 'Not Found', body);
    expect([error.code, error.message, error.status]).toEqual([
      'NoSuchBucket',
      'There is none.',
      404
    ]);
  });

  it('knows a 404 of a server without our routes', () => {
    const tornado = JSON.stringify({ message: 'Not Found', reason: null });
    expect(ApiError.ofReply(404, 'Not Found', tornado).code).toBe(NOT_ENABLED);
    expect(ApiError.ofReply(404, 'Not Found', '<html>').code).toBe(NOT_ENABLED);
  });

  it('makes a sentence of a page that a proxy sent', () => {
    const error = ApiError.ofReply(504, 'Gateway Timeout', '<html>');
    expect(error.message).toBe('The server answered 504 Gateway Timeout.');
  });
});
