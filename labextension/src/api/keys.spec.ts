import { describe, expect, it } from 'vitest';

import { crumbs, encodeKey, nameIn, parentPrefix } from './keys';

/** Decode a key as the server does. */
function decode(text: string): string {
  return Buffer.from(text, 'base64url').toString('utf-8');
}

describe('encodeKey', () => {
  it.each([
    ['日本.txt', '5pel5pysLnR4dA'],
    ['a b+c%2F.txt', 'YSBiK2MlMkYudHh0'],
    ['..', 'Li4'],
    ['🙂', '8J-Zgg']
  ])('writes %s as base64url of its UTF-8', (key, encoded) => {
    expect(encodeKey(key)).toBe(encoded);
  });

  it.each(['//', '/leading', 'é', 'e\u0301', 'a?b#c&d', 'x'.repeat(1024), '\u{10FFFF}>>>???'])(
    'makes the round trip for %j',
    key => {
      expect(encodeKey(key)).toMatch(/^[\w-]+$/);
      expect(decode(encodeKey(key))).toBe(key);
    }
  );
});

describe('paths', () => {
  it('goes up one level at a time, also through empty names', () => {
    expect(parentPrefix('a/b/')).toBe('a/');
    expect(parentPrefix('a//')).toBe('a/');
    expect(parentPrefix('/')).toBe('');
    expect(parentPrefix('')).toBe('');
  });

  it('names a row inside its folder', () => {
    expect(nameIn('a/', 'a/b/')).toBe('b');
    expect(nameIn('a/', 'a/c.txt')).toBe('c.txt');
    expect(nameIn('a/', 'a//')).toBe('/');
  });

  it('lists the folders of a path', () => {
    expect(crumbs('a//b/')).toEqual([
      { name: 'a', prefix: 'a/' },
      { name: '/', prefix: 'a//' },
      { name: 'b', prefix: 'a//b/' }
    ]);
    expect(crumbs('')).toEqual([]);
  });
});
