import { ServerConnection } from '@jupyterlab/services';
import { beforeEach, describe, expect, it } from 'vitest';

import { OdhTecAPI } from './api';

interface ISent {
  path: string;
  connection: string | null;
  body: Record<string, unknown> | null;
}

describe('requests to a named connection', () => {
  let sent: ISent[];
  let reply: object;
  let api: OdhTecAPI;

  beforeEach(() => {
    sent = [];
    reply = {};
    api = new OdhTecAPI(
      ServerConnection.makeSettings({
        baseUrl: 'http://lab/',
        fetch: async (input: RequestInfo | URL) => {
          const request = input as Request;
          const url = new URL(request.url);
          const text = await request.text();
          sent.push({
            path: url.pathname.replace('/odhtec/api', ''),
            connection: url.searchParams.get('connection'),
            body: text ? JSON.parse(text) : null
          });
          return new Response(JSON.stringify(reply), { status: 200 });
        }
      })
    );
  });

  const keys = { keys: ['k'], prefixes: [] };
  const upload = { bucket: 'archive@data', key: 'k', size: 1 } as const;
  const hub = { repo: 'org/name', bucket: 'archive@data' };
  it.each<[string, (bucket: string) => Promise<unknown>]>([
    ['lists objects', b => api.listObjects(b, 'p/', { maxKeys: 1 })],
    [
      'searches',
      b => api.listObjects(b, '', { search: { q: 'q', mode: 'glob', recursive: true } })
    ],
    ['counts', b => api.countUsage(b, 'p/', { continuationToken: 't' })],
    ['reads details', b => api.getDetails(b, 'k')],
    ['changes details', b => api.setDetails(b, 'k', {})],
    ['lists versions', b => api.listVersions(b, 'k')],
    ['restores a version', b => api.restoreVersion(b, 'k', 'v')],
    ['deletes a version', b => api.deleteVersion(b, 'k', 'v')],
    ['previews', b => api.getPreview(b, 'k')],
    ['lists incomplete uploads', b => api.listMultiparts(b, { prefix: 'p' })],
    ['removes incomplete uploads', b => api.abortMultiparts(b, { uploads: [] })],
    ['creates a folder', b => api.createFolder(b, 'p/')],
    ['deletes objects', b => api.deleteObjects(b, keys)],
    ['reads the head of an object', b => api.headObject(b, 'k')],
    ['reads an object', b => api.readObject(b, 'k', 10)],
    ['deletes a bucket', b => api.deleteBucket(b)]
  ])('%s where the address says', async (_, send) => {
    await send('archive@data');
    await send('data');
    expect(sent.map(({ connection }) => connection)).toEqual(['archive', null]);
    for (const { path } of sent) {
      expect(path.split('/')).toContain('data');
    }
  });

  it.each<[string, (bucket: string) => Promise<unknown>]>([
    ['creates a link', bucket => api.presign({ bucket, key: 'k' })],
    ['starts an import', bucket => api.importFromHub({ ...hub, bucket })],
    ['plans an import', bucket => api.planImport({ ...hub, bucket })],
    ['starts an upload', bucket => api.createUpload({ ...upload, bucket })]
  ])('%s with the bare name of the bucket in its body', async (_, send) => {
    await send('archive@data');
    await send('data');
    expect(sent.map(({ connection, body }) => [connection, body!.bucket])).toEqual([
      ['archive', 'data'],
      [null, 'data']
    ]);
  });

  it('creates a bucket with its bare name', async () => {
    await api.createBucket('archive@new');
    expect(sent[0]).toEqual({
      path: '/buckets',
      connection: 'archive',
      body: { bucketName: 'new' }
    });
  });

  it('makes links that name the connection beside other parameters', () => {
    const urls = [
      api.downloadUrl('archive@data', 'k', 'v1'),
      api.viewUrl('archive@data', 'k'),
      api.archiveUrl('archive@data', 'p/', keys)
    ].map(url => new URL(url));
    expect(urls.map(url => url.searchParams.get('connection'))).toEqual(Array(3).fill('archive'));
    expect(urls[0].searchParams.get('versionId')).toBe('v1');
    expect(urls.every(url => url.pathname.split('/').includes('data'))).toBe(true);
  });

  it('returns addresses of buckets and of uploads', async () => {
    reply = { owner: null, defaultBucket: 'data', buckets: [{ Name: 'data' }], listable: true };
    const list = await api.listBuckets(undefined, 'archive');
    expect([list.defaultBucket, list.buckets[0].Name]).toEqual(['archive@data', 'archive@data']);
    reply = { uploads: [{ uploadId: 'u', bucket: 'data' }] };
    const { uploads } = await api.listUploads(undefined, 'archive');
    expect(uploads[0].bucket).toBe('archive@data');
    expect(sent.map(({ connection }) => connection)).toEqual(['archive', 'archive']);
  });
});
