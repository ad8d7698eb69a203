import { describe, expect, it } from 'vitest';

import { asPatterns, byPatterns, chosenPaths, EVERYTHING, tick } from './filechoice';
import { exactPattern, splitPatterns, matches } from './patterns';

const files = ['model.safetensors', 'config.json', 'onnx/model.onnx', 'odd[1]*.bin'].map(path => ({
  path,
  size: 1,
  etag: 'e',
  lfs: false
}));

describe('matches', () => {
  it.each([
    ['a/b/c.json', '*.json', true],
    ['onnx/deep/x', 'onnx/', true],
    ['onnxruntime', 'onnx/', false],
    ['file1', 'file[0-9]', true],
    ['filex', 'file[!0-9]', true],
    ['file1', 'file[!0-9]', false],
    ['a]b', 'a[]]b', true],
    ['a[b', 'a[b', true],
    ['😀', '?', true],
    ['line\nend', 'line*', true],
    ['x', '[z-a]', false],
    ['a+b', 'a+b', true],
    ['A', 'a', false]
  ])('%j with %j: %s', (path, pattern, expected) => {
    expect(matches([pattern], [])(path)).toBe(expected);
    expect(matches([], [pattern])(path)).toBe(!expected);
  });

  it.each([
    ['*a*b*c*d*e*f*g*h*i*j*', 'abcdefghi'.repeat(500), false],
    ['*a*b*c*d*e*f*g*h*i*j*', `${'abcdefghi'.repeat(500)}j`, true],
    ['**********x', 'a'.repeat(5000), false],
    ['*aa*aa*aa*aa*aa*aa*aa*b', 'a'.repeat(5000), false],
    ['*aa*aa*aa*aa*aa*aa*aa*b', `${'a'.repeat(5000)}b`, true],
    ['a*1*2', 'a112', true],
    ['a*b', 'ab', true],
    ['a*b*b', 'ab', false]
  ])('compares asterisks with a long name in one pass: %j', (pattern, path, expected) => {
    expect(matches([pattern], [])(path)).toBe(expected);
  });

  it('splits the entered patterns', () => {
    expect(splitPatterns(' *.json, onnx/\n*.bin ')).toEqual(['*.json', 'onnx/', '*.bin']);
  });

  it.each(['a*b', 'a[b', 'a]b', 'a?b', '[!x]', 'plain', 'a\\b'])('means exactly %j', path => {
    const isIncluded = matches([exactPattern(path)], []);
    expect(isIncluded(path)).toBe(true);
    expect(isIncluded(`${path}x`)).toBe(false);
    expect(isIncluded('axb')).toBe(false);
  });
});

describe('a choice of files', () => {
  /** The files that the server would import with these patterns. */
  const brought = (choice: typeof EVERYTHING) => {
    const { include = [], exclude = [] } = asPatterns(files, choice);
    const isIncluded = matches(include, exclude);
    return files.map(({ path }) => path).filter(isIncluded);
  };

  it.each([
    ['everything', EVERYTHING],
    ['patterns', byPatterns(['*.json', '*.safetensors'], [])],
    ['an exclude pattern', byPatterns([], ['onnx/'])],
    ['one unticked', tick(EVERYTHING, ['odd[1]*.bin'], false)],
    ['one ticked beside a pattern', tick(byPatterns(['*.json'], []), ['odd[1]*.bin'], true)],
    ['one ticked that a pattern excludes', tick(byPatterns([], ['*.json']), ['config.json'], true)],
    ['ticked and unticked', tick(tick(EVERYTHING, ['config.json'], false), ['config.json'], true)],
    [
      'ticked against an exclude pattern, another unticked',
      tick(tick(byPatterns([], ['o*']), ['onnx/model.onnx'], true), ['config.json'], false)
    ]
  ])('requests exactly the selected files: %s', (_, choice) => {
    expect(brought(choice)).toEqual([...chosenPaths(files, choice)]);
  });

  it('sends no patterns for all files, and few if few are unchecked', () => {
    expect(asPatterns(files, EVERYTHING)).toEqual({});
    const most = tick(EVERYTHING, ['config.json'], false);
    expect(asPatterns(files, most)).toEqual({ exclude: ['config.json'] });
    const none = tick(EVERYTHING, ['onnx/model.onnx', 'odd[1]*.bin', 'model.safetensors'], false);
    expect(asPatterns(files, none)).toEqual({ include: ['config.json'] });
  });
});
