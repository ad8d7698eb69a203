/** Glob patterns as the server reads them (Python's fnmatch): `*` also matches slashes. */

/** What a model server needs of a repository that also holds other formats. */
export const SAFETENSORS_ONLY: readonly string[] = [
  '*.safetensors',
  '*.json',
  '*.txt',
  '*.model',
  '*.jinja',
  'tokenizer*'
];

/** Patterns as they are typed: between them stand spaces, commas or line ends. */
export function splitPatterns(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** The pattern that matches exactly this path. */
export function exactPattern(path: string): string {
  return path.replace(/[[*?]/g, '[$&]');
}

/** A test whether a path matches one of `include` (all, when there is none) and none of `exclude`. */
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
  // One that ends in a slash takes all below that folder.
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
  // What is between two asterisks matches where it first can, and a lookahead keeps it there. Without that, a hostile
  // repository has names for which a few asterisks take longer than anybody lives.
  const between = others
    .filter(Boolean)
    .map((piece, index) => `(?=(.*?${piece}))\\${index + 1}`)
    .join('');
  const end = last === undefined ? '' : `.*${last}`;
  try {
    return new RegExp(`^${first}${between}${end}$`, 'su');
  } catch {
    // A set such as [z-a] has nothing in it.
    return /(?!)/;
  }
}
