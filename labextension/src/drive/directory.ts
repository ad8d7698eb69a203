import type { Contents } from '@jupyterlab/services';

import type { OdhTecAPI } from '../api/api';
import type { S3Object } from '../tokens';
import { baseName, isPath, locationOf } from './documents';

const PAGE_SIZE = 1000;
/** Lab keeps a whole folder in memory, and S3 has folders with millions of objects. */
const MAX_PAGES = 5;

/** Presents buckets and prefixes as folders of Lab. */
export class DirectoryReader {
  constructor(
    private readonly _server: DirectoryReader.Server,
    private readonly _onTruncated: (path: string, count: number) => void
  ) {}

  /** Return the folder, or null if it does not exist. In S3 a folder exists if it contains something. */
  async read(path: string, content: boolean): Promise<Contents.IModel | null> {
    const { bucket, key } = locationOf(path);
    if (!bucket) {
      return folder('', content ? await this._buckets() : null);
    }
    const prefix = key && `${key}/`;
    const entries: Contents.IModel[] = [];
    let token: string | undefined;
    let found = !key;
    for (let page = 0; page < (content ? MAX_PAGES : 1); page++) {
      const reply = await this._server.listObjects(bucket, prefix, {
        maxKeys: content ? PAGE_SIZE : 1,
        continuationToken: token
      });
      found ||= reply.objects.length + reply.prefixes.length > 0;
      entries.push(
        ...reply.prefixes.map(({ Prefix }) => folder(`${bucket}/${Prefix.slice(0, -1)}`, null)),
        ...reply.objects.map(object => file(bucket, object))
      );
      token = reply.nextContinuationToken ?? undefined;
      if (token === undefined) {
        break;
      }
    }
    if (!found) {
      return null;
    }
    if (content && token !== undefined) {
      this._onTruncated(path, entries.length);
    }
    return folder(
      path,
      content ? entries.filter(entry => isPath(locationOf(entry.path).key)) : null
    );
  }

  /** Return the folder if it is empty, otherwise null. */
  async readEmpty(path: string): Promise<Contents.IModel | null> {
    const { bucket, key } = locationOf(path);
    const { objects, prefixes } = await this._server.listObjects(bucket, `${key}/`, { maxKeys: 2 });
    const marker = objects.length === 1 && objects[0].Key === `${key}/`;
    return marker && !prefixes.length ? folder(path, null) : null;
  }

  private async _buckets(): Promise<Contents.IModel[]> {
    const { buckets } = await this._server.listBuckets();
    return buckets.map(({ Name }) => folder(Name, null));
  }
}

function folder(path: string, content: Contents.IModel[] | null): Contents.IModel {
  return {
    name: baseName(path),
    path,
    type: 'directory',
    created: EPOCH,
    last_modified: EPOCH,
    mimetype: '',
    writable: true,
    content,
    format: content && 'json'
  };
}

function file(bucket: string, { Key, Size, LastModified }: S3Object): Contents.IModel {
  const modified = LastModified ?? EPOCH;
  return {
    name: baseName(Key),
    path: `${bucket}/${Key}`,
    type: Key.endsWith('.ipynb') ? 'notebook' : 'file',
    created: modified,
    last_modified: modified,
    mimetype: '',
    size: Size,
    writable: true,
    content: null,
    format: null
  };
}

/** S3 has no dates of folders. */
const EPOCH = new Date(0).toISOString();

export namespace DirectoryReader {
  export type Server = Pick<OdhTecAPI, 'listObjects' | 'listBuckets'>;
}
