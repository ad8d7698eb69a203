/**
 * Parse JSON that another user may have written, for models that copy it key by key. `JSON.parse` treats `__proto__` as
 * an ordinary key, but `copy[key] = value` then replaces the prototype of the copy, whose values look like its own: a
 * notebook could mark itself as trusted. Objects at `constructor` and `prototype` could reach the prototype of all
 * objects, so they are removed; texts and numbers there are kept, such as the constructor of a racing car.
 */
export function parseUntrustedJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) =>
      // Returning undefined removes the key.
      key === '__proto__' || (PROTOTYPE_KEYS.includes(key) && typeof value === 'object')
        ? undefined
        : value
    );
  } catch (reason) {
    throw new Error(whyInvalid(text, reason), { cause: reason });
  }
}

const PROTOTYPE_KEYS = ['constructor', 'prototype'];

/** Return why the text is not JSON. The messages of the engines differ and name internal tokens. */
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

/** Return a number that Python's json module writes although JSON has none like it, or null. Strings are skipped. */
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

/** Return the index after the quote that ends the string: one preceded by an even number of backslashes. */
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
