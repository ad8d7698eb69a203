/** Objects as documents of Lab: which of them have a path, and which path. */

/** The name of the Contents drive: `S3:bucket/key`. */
export const DRIVE_NAME = 'S3';

export interface IObjectLocation {
  bucket: string;
  /** Empty for the bucket itself. */
  key: string;
}

/**
 * Return whether Lab can address this object by a path. Lab normalizes paths like those of files, so keys with empty,
 * `.` and `..` levels would become other objects.
 */
export function isPath(key: string): boolean {
  return key.split('/').every(level => !['', '.', '..'].includes(level));
}

/** Return the path as Lab's document manager knows it. */
export function documentPath({ bucket, key }: IObjectLocation): string {
  return `${DRIVE_NAME}:${localPath({ bucket, key })}`;
}

/** Return whether a path of Lab's document manager is on this drive. */
export function isDocumentPath(path: string): boolean {
  return path.startsWith(`${DRIVE_NAME}:`);
}

/** Return the path inside the drive. */
export function localPath({ bucket, key }: IObjectLocation): string {
  return key ? `${bucket}/${key}` : bucket;
}

export function locationOf(path: string): IObjectLocation {
  const cut = path.indexOf('/');
  return cut < 0
    ? { bucket: path, key: '' }
    : { bucket: path.slice(0, cut), key: path.slice(cut + 1) };
}

/** Return the last level of a path or a key. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
