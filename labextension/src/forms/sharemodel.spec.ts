import { describe, expect, it, vi } from 'vitest';

import { DAY_SECONDS, ShareModel } from './sharemodel';

describe('ShareModel', () => {
  const link = { url: 'https://s3/k?X', method: 'GET' as const, expiresAt: '2026-01-01T00:00:00Z' };
  const presign = vi.fn().mockResolvedValue({ ...link, mayEndEarlier: false });
  const make = (name: string) =>
    new ShareModel({ server: { presign }, bucket: 'b', prefix: 'a/', name });

  it('creates a link for the fields, and hides it when they change', async () => {
    const model = make('one.txt');
    await model.create();
    expect(presign).toHaveBeenCalledWith({
      bucket: 'b',
      key: 'a/one.txt',
      method: 'GET',
      expiresIn: 3600
    });
    expect(model.link?.url).toBe(link.url);
    model.setExpiry(DAY_SECONDS);
    expect(model.link).toBeNull();
  });

  it('creates a link to upload to a folder once a name is given', async () => {
    const model = make('');
    expect([model.method, model.exists, model.ready]).toEqual(['PUT', false, false]);
    model.setName('new.bin');
    await model.create();
    expect(presign.mock.lastCall![0]).toMatchObject({ key: 'a/new.bin', method: 'PUT' });
  });

  it.each([
    ['2', 'days', 2 * DAY_SECONDS],
    ['7', 'days', 7 * DAY_SECONDS],
    ['8', 'days', null],
    ['1.5', 'hours', 5400],
    ['0', 'minutes', null],
    ['-1', 'days', null],
    ['soon', 'days', null],
    ['', 'days', null]
  ] as const)('reads %j %s as %s seconds', (number, unit, seconds) => {
    const model = make('one.txt');
    model.setExpiry(null);
    model.setCustom(number, unit);
    expect(model.seconds).toBe(seconds);
    expect(model.ready).toBe(seconds !== null);
  });
});
