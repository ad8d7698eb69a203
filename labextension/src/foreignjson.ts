/**
 * JSON that another user may have written, for models that copy it key by key. `JSON.parse` itself makes `__proto__` a
 * key like any other, but `copy[key] = value` then replaces the copy's prototype, and whatever stands there seems to be
 * a value of the copy: a notebook trusts itself like this. `constructor` and `prototype` lead to the prototype that all
 * objects share, but only as objects: as a text or a number, say the constructor of a racing car, they are kept.
 */
export function parseForeignJson(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) =>
    // An undefined value takes the key away.
    key === '__proto__' || (PATHS.includes(key) && typeof value === 'object') ? undefined : value
  );
}

const PATHS = ['constructor', 'prototype'];
