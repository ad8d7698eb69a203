import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api/request';
import { details } from '../testing/fakes';
import { DetailsModel } from './detailsmodel';

describe('DetailsModel', () => {
  const server = {
    getDetails: vi.fn<DetailsModel.IServer['getDetails']>(),
    setDetails: vi.fn<DetailsModel.IServer['setDetails']>()
  };
  const make = async () => {
    const model = new DetailsModel({ server, bucket: 'b', key: 'k' });
    await vi.waitFor(() => expect(model.busy).toBeNull());
    return model;
  };

  beforeEach(() => {
    vi.resetAllMocks();
    server.getDetails.mockResolvedValue(details());
  });

  it('sends only changes, with the ETag that was read', async () => {
    const model = await make();
    expect(model.dirty).toBe(false);
    model.setHeader('CacheControl', 'no-cache');
    model.setTags([...model.tags!, { name: 'team', value: 'nlp' }]);
    server.setDetails.mockResolvedValue(details({ ETag: '"2"', CacheControl: 'no-cache' }));
    expect(await model.save()).toBe(true);
    expect(server.setDetails).toHaveBeenCalledWith('b', 'k', {
      etag: '"1"',
      CacheControl: 'no-cache',
      TagSet: [
        { Key: 'kind', Value: 'model' },
        { Key: 'team', Value: 'nlp' }
      ]
    });
    expect([model.saved, model.dirty]).toEqual([true, false]);
    model.setMetadata([]);
    expect([model.saved, model.dirty]).toEqual([false, true]);
    await model.save();
    expect(server.setDetails.mock.lastCall![2]).toEqual({ etag: '"2"', Metadata: {} });
  });

  it('does not overwrite another user’s changes, and can reload', async () => {
    const model = await make();
    model.setHeader('ContentType', 'text/plain');
    server.setDetails.mockRejectedValueOnce(new ApiError('Conflict', 'Another one.', 409));
    expect(await model.save()).toBe(false);
    expect(model.outdated).toBe(true);
    expect(model.header('ContentType')).toBe('text/plain');
    server.getDetails.mockResolvedValue(details({ ContentType: 'text/html' }));
    await model.load();
    expect([model.outdated, model.header('ContentType')]).toEqual([false, 'text/html']);
  });

  it('keeps names that are special in JavaScript', async () => {
    // As parsed from a reply of the server.
    const Metadata = JSON.parse('{"__proto__": "a", "constructor": "b", "prototype": "c"}');
    server.getDetails.mockResolvedValue(details({ Metadata }));
    const model = await make();
    model.setMetadata([...model.metadata, { name: 'team', value: 'nlp' }]);
    server.setDetails.mockResolvedValue(details());
    await model.save();
    expect(JSON.stringify(server.setDetails.mock.lastCall![2].Metadata)).toBe(
      '{"__proto__":"a","constructor":"b","prototype":"c","team":"nlp"}'
    );
  });

  it('refuses duplicate names', async () => {
    const model = await make();
    const pair = (name: string) => ({ name, value: 'x' });
    model.setMetadata([pair('Author'), pair('author')]);
    expect(model.badName).toBe('author');
    expect(await model.save()).toBe(false);
    model.setMetadata([pair('')]);
    expect(model.badName).toBe('');
    model.setMetadata([]);
    model.setTags([pair('a'), pair('A')]);
    expect(model.badName).toBeNull();
  });

  it('sends no tags if the store has none', async () => {
    server.getDetails.mockResolvedValue(details({ TagSet: null }));
    const model = await make();
    expect([model.tags, model.dirty]).toEqual([null, false]);
  });
});
