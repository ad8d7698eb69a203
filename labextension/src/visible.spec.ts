import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { visible, visibleText } from './visible';

/** The tests in Python use them as well. */
const CASES: { name: string; shown: string }[] = JSON.parse(
  readFileSync('../tests/visible_names.json', 'utf-8')
);

it.each(CASES)('shows all characters of a name: $shown', ({ name, shown }) => {
  expect(visible(name)).toBe(shown);
  expect(visible(shown)).toBe(shown);
});

it('shows half a surrogate pair as an escape, and keeps line ends', () => {
  expect(visible('a\ud83d')).toBe('a\\u{D83D}');
  expect(visibleText('a\n\tb\r\u202ec')).toBe('a\n\tb\\u{D}\\u{202E}c');
});
