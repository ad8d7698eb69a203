/**
 * JSON that another user may have written, for models that copy it key by key. `JSON.parse` itself makes `__proto__` a
 * key like any other, but `copy[key] = value` then replaces the copy's prototype, and whatever stands there seems to be
 * a value of the copy: a notebook trusts itself like this. `constructor` and `prototype` lead to the prototype that all
 * objects share, but only as objects: as a text or a number, say the constructor of a racing car, they are kept.
 */
export function parseUntrustedJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) =>
      // An undefined value takes the key away.
      key === '__proto__' || (PROTOTYPE_KEYS.includes(key) && typeof value === 'object')
        ? undefined
        : value
    );
  } catch (reason) {
    throw new Error(whyInvalid(text, reason), { cause: reason });
  }
}

const PROTOTYPE_KEYS = ['constructor', 'prototype'];

/** Why it is not JSON, in words: the engines' own differ, and name tokens that only their authors know. */
function whyInvalid(text: string, reason: unknown): string {
  if (!text.trim()) {
    return 'The file is empty, so it is not valid JSON.';
  }
  const number = invalidNumber(text);
  if (number) {
    return `The file has the number ${number}, which JSON does not allow. Replace it with null, or open the file as text.`;
  }
  const position = /position (\d+)/.exec(String(reason))?.[1];
  const line = position === undefined ? '' : text.slice(0, Number(position)).split('\n').length;
  return line ? `The file is not valid JSON: see line ${line}.` : 'The file is not valid JSON.';
}

/** What Python's json writes though JSON has no such numbers; null where none stands outside of the strings. */
function invalidNumber(text: string): string | null {
  for (let at = 0; ;) {
    const quote = text.indexOf('"', at);
    const found = /NaN|-?Infinity/.exec(text.slice(at, quote < 0 ? undefined : quote));
    if (found || quote < 0) {
      return found && found[0];
    }
    at = endOfString(text, quote + 1);
  }
}

/** After the quote that ends the string: one without a backslash before it, or with an even number of them. */
function endOfString(text: string, start: number): number {
  for (let quote = start - 1; ;) {
    quote = text.indexOf('"', quote + 1);
    if (quote < 0) {
      return text.length;
    }
    let before = quote;
    while (before > start && text[before - 1] === '\\') {
      before--;
    }
    if ((quote - before) % 2 === 0) {
      return quote + 1;
    }
  }
}
