import { render } from '@testing-library/react';
import { expect, it } from 'vitest';

import type { IRow } from '../rows';
import { trans } from '../testing/fakes';
import { DeleteBody } from './DeleteBody';

const file = (name: string): IRow => ({ kind: 'file', key: name, name });

it('names ten and counts the rest', () => {
  const rows = Array.from({ length: 13 }, (_, index) => file(`f${index}`));
  const { container } = render(<DeleteBody rows={rows} trans={trans} />);
  const lines = [...container.querySelectorAll('li')].map(({ textContent }) => textContent);
  expect(lines).toHaveLength(11);
  expect(lines[9]).toBe('f9');
  expect(lines[10]).toBe('and 3 more');
  expect(container.textContent).not.toMatch(/Everything below/);
});

it('says that a folder takes everything below it', () => {
  const rows: IRow[] = [{ kind: 'folder', key: 'a/b/', name: 'b' }];
  const { container } = render(<DeleteBody rows={rows} trans={trans} />);
  expect(container.textContent).toMatch(/^b\/Everything below the folder is deleted/);
});
