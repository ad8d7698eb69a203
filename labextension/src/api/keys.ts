/** Object keys: their encoding in URLs and their parts as paths. */

import { bucketAddress, splitBucket } from './bucketaddress';

/** Return the base64url of the UTF-8 bytes without padding, which carries every key S3 allows through any proxy. */
export function encodeKey(key: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(key)) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Return the prefix one level up. The top level is its own parent. */
export function parentPrefix(prefix: string): string {
  const cut = prefix.slice(0, -1).lastIndexOf('/');
  return prefix.slice(0, cut + 1);
}

/** Return the name of a row in its folder. A level with an empty name (`a//b`) is shown by its slash. */
export function nameIn(prefix: string, key: string): string {
  const name = key.slice(prefix.length);
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

/** Return the last part of a key or of a folder's prefix. */
export function lastName(key: string): string {
  return nameIn(parentPrefix(key), key);
}

export interface ICrumb {
  name: string;
  prefix: string;
}

/** Return the folders that contain a prefix, outermost first, and the prefix itself. */
export function crumbs(prefix: string): ICrumb[] {
  const found: ICrumb[] = [];
  for (let end = prefix.indexOf('/'); end >= 0; end = prefix.indexOf('/', end + 1)) {
    const start = found.length ? found[found.length - 1].prefix.length : 0;
    found.push({ name: prefix.slice(start, end) || '/', prefix: prefix.slice(0, end + 1) });
  }
  return found;
}

/**
 * Return whether a store lists the key after the other. S3 sorts by UTF-8 bytes, which differs from the order of
 * UTF-16.
 */
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

/** A surrogate belongs to a character that sorts after all characters of one unit. */
function byteRank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** Parse an entered path: `s3://[connection@]bucket/prefix`, or a folder of the open bucket. */
export function parseLocation(text: string, bucket: string | null): ILocationUri | null {
  const uri = /^\s*s3a?:\/\/([^/]+)\/?(.*)$/s.exec(text);
  if (uri) {
    return { bucket: bucketAddress(splitBucket(uri[1].trim())), path: uri[2] };
  }
  return bucket === null ? null : { bucket, path: text };
}

export interface ILocationUri {
  /** An address. */
  bucket: string;
  /** A key, or a prefix with its slash. */
  path: string;
}

/** Return the URI of a key in a bucket, whose address has the form that it has in URIs. */
export function s3Uri(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}
