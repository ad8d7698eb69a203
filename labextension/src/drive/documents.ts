/** Objects as Lab's documents: which of them have a path, and what it is. */

/** The name of the Contents drive: `S3:bucket/key`. */
export const DRIVE_NAME = 'S3';

export interface IObjectLocation {
  bucket: string;
  /** Without a key, the bucket itself. */
  key: string;
}

/**
 * Whether Lab can name this object by a path. Lab normalises paths as those of files, so keys with empty, `.` and `..`
 * levels would come out as another object.
 */
export function isPath(key: string): boolean {
  return key.split('/').every(level => !['', '.', '..'].includes(level));
}

/** The path as Lab's document manager knows it. */
export function documentPath({ bucket, key }: IObjectLocation): string {
  return `${DRIVE_NAME}:${localPath({ bucket, key })}`;
}

/** Whether a path of Lab's document manager is one of this drive. */
export function isDocumentPath(path: string): boolean {
  return path.startsWith(`${DRIVE_NAME}:`);
}

/** The path inside the drive. */
export function localPath({ bucket, key }: IObjectLocation): string {
  return key ? `${bucket}/${key}` : bucket;
}

export function locationOf(path: string): IObjectLocation {
  const cut = path.indexOf('/');
  return cut < 0
    ? { bucket: path, key: '' }
    : { bucket: path.slice(0, cut), key: path.slice(cut + 1) };
}

/** The last level of a path or a key. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
