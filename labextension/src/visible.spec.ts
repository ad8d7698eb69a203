import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { visible, visibleText } from './visible';

/** The tests in Python read them, too. */
const CASES: { name: string; shown: string }[] = JSON.parse(
  readFileSync('../tests/visible_names.json', 'utf-8')
);

it.each(CASES)('a name is shown whole: $shown', ({ name, shown }) => {
  expect(visible(name)).toBe(shown);
  expect(visible(shown)).toBe(shown);
});

it('half a character is written out, and a text keeps its lines', () => {
  expect(visible('a\ud83d')).toBe('a\\u{D83D}');
  expect(visibleText('a\n\tb\r\u202ec')).toBe('a\n\tb\\u{D}\\u{202E}c');
});
