/** Glob patterns as the hub's client reads them: `*` also matches slashes. */

/** What a model server needs of a repository that also holds other formats. */
export const SAFETENSORS_ONLY: readonly string[] = [
  '*.safetensors',
  '*.json',
  '*.txt',
  '*.model',
  '*.jinja',
  'tokenizer*'
];

export function matchesAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => toRegExp(pattern).test(path));
}

function toRegExp(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}
