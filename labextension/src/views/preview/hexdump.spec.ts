import { expect, it } from 'vitest';

import { hexLines } from './hexdump';

it('shows bytes with their offset and as text', () => {
  expect(hexLines('48656c6c6f00ff48656c6c6f00ff48656c')).toEqual([
    '00000000  48 65 6c 6c 6f 00 ff 48  65 6c 6c 6f 00 ff 48 65  Hello..Hello..He',
    `00000010  ${'6c'.padEnd(48)}  l`
  ]);
});
