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

export function s3Uri(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}
