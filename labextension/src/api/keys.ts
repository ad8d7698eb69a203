/** Object keys: how they travel in a URL, and how they read as paths. */

/** base64url of the UTF-8 bytes, without padding: every key S3 allows survives any proxy that way. */
export function encodeKey(key: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(key)) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The prefix one level up; the top level is its own parent. */
export function parentPrefix(prefix: string): string {
  const cut = prefix.slice(0, -1).lastIndexOf('/');
  return prefix.slice(0, cut + 1);
}

/** What a row is called inside its folder. A level with an empty name (`a//b`) is shown by its slash. */
export function nameIn(prefix: string, key: string): string {
  const name = key.slice(prefix.length);
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

/** The last part of a key or of a folder's prefix. */
export function lastName(key: string): string {
  return nameIn(parentPrefix(key), key);
}

export interface ICrumb {
  name: string;
  prefix: string;
}

/** The folders on the way to a prefix, outermost first. */
export function crumbs(prefix: string): ICrumb[] {
  const found: ICrumb[] = [];
  for (let end = prefix.indexOf('/'); end >= 0; end = prefix.indexOf('/', end + 1)) {
    const start = found.length ? found[found.length - 1].prefix.length : 0;
    found.push({ name: prefix.slice(start, end) || '/', prefix: prefix.slice(0, end + 1) });
  }
  return found;
}

/** Whether a store lists the key after the other: S3's order is that of the UTF-8 bytes, which UTF-16 has not. */
export function isAfter(key: string, other: string): boolean {
  const length = Math.min(key.length, other.length);
  for (let index = 0; index < length; index++) {
    const [a, b] = [key.charCodeAt(index), other.charCodeAt(index)];
    if (a !== b) {
      return byteRank(a) > byteRank(b);
    }
  }
  return key.length > other.length;
}

/** A surrogate stands for a character beyond all of those that one unit holds. */
function byteRank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** What a typed or pasted place means: `s3://bucket/prefix`, or a folder of the bucket that is open. */
export function parseLocation(text: string, bucket: string | null): ILocationUri | null {
  const uri = /^\s*s3a?:\/\/([^/]+)\/?(.*)$/s.exec(text);
  if (uri) {
    return { bucket: uri[1].trim(), path: uri[2] };
  }
  return bucket === null ? null : { bucket, path: text };
}

export interface ILocationUri {
  bucket: string;
  /** A key, or a prefix with its slash. */
  path: string;
}

export function s3Uri(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}
