/** Glob patterns as the server reads them (Python's fnmatch): `*` also matches slashes. */

/** What a model server needs from a repository that also holds other formats. */
export const SAFETENSORS_ONLY: readonly string[] = [
  '*.safetensors',
  '*.json',
  '*.txt',
  '*.model',
  '*.jinja',
  'tokenizer*'
];

/** Split entered patterns at spaces, commas and line ends. */
export function splitPatterns(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Return a pattern that matches exactly this path. */
export function exactPattern(path: string): string {
  return path.replace(/[[*?]/g, '[$&]');
}

/** Return a test whether a path matches one of `include` (or there is none) and none of `exclude`. */
export function matches(
  include: readonly string[],
  exclude: readonly string[]
): (path: string) => boolean {
  const taken = include.map(toRegExp);
  const left = exclude.map(toRegExp);
  return path =>
    (!taken.length || taken.some(pattern => pattern.test(path))) &&
    !left.some(pattern => pattern.test(path));
}

function toRegExp(pattern: string): RegExp {
  // A pattern that ends in a slash matches everything in that folder.
  const whole = pattern.endsWith('/') ? `${pattern}*` : pattern;
  const pieces = [''];
  for (const [one, not, set] of whole.matchAll(/\[(!?)(\][^\]]*|[^\]]+)\]|[\s\S]/gu)) {
    if (one === '*') {
      pieces.push('');
    } else if (set !== undefined) {
      pieces[pieces.length - 1] += `[${not ? '^' : ''}${set.replace(/[\\\][^]/g, '\\$&')}]`;
    } else {
      pieces[pieces.length - 1] += one === '?' ? '.' : one.replace(/[.+^${}()|[\]\\/]/g, '\\$&');
    }
  }
  const [first, ...others] = pieces;
  const last = others.pop();
  // The text between two asterisks matches at its first occurrence, and a lookahead with a back-reference prevents
  // backtracking. Otherwise, names in a hostile repository could make a few asterisks take exponential time.
  const between = others
    .filter(Boolean)
    .map((piece, index) => `(?=(.*?${piece}))\\${index + 1}`)
    .join('');
  const end = last === undefined ? '' : `.*${last}`;
  try {
    return new RegExp(`^${first}${between}${end}$`, 'su');
  } catch {
    // A set such as [z-a] matches nothing.
    return /(?!)/;
  }
}
