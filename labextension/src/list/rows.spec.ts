import { beforeEach, describe, expect, it } from 'vitest';

import { isAfter } from '../api/keys';
import type { ObjectList } from '../tokens';
import { BY_NAME, nextOrder, type IOrder } from './order';
import { Rows } from './rows';

const BY_SIZE: IOrder = { column: 'size', descending: false };

function pageOf(sizes: Record<string, number>, prefixes: string[] = []): ObjectList {
  return {
    objects: Object.entries(sizes).map(([Key, Size]) => ({ Key, Size, LastModified: null })),
    prefixes: prefixes.map(Prefix => ({ Prefix })),
    nextContinuationToken: null,
    isTruncated: false
  };
}

const names = (rows: Rows) => rows.shown.map(({ name }) => name);

describe('Rows', () => {
  let rows: Rows;

  beforeEach(() => {
    rows = new Rows('p/');
    rows.add(pageOf({ 'p/b': 3, 'p/d': 1 }, ['p/x/']));
  });

  it('keeps folders first on every page, and each only once', () => {
    rows.add(pageOf({ 'p/e': 2, 'p/d': 1 }, ['p/x/', 'p/y/']));
    expect(names(rows)).toEqual(['x', 'y', 'b', 'd', 'e']);
  });

  it.each([
    [BY_NAME, ['x', 'b', 'd', 'e', 'f']],
    [{ column: 'name', descending: true }, ['x', 'f', 'e', 'd', 'b']],
    [BY_SIZE, ['x', 'f', 'd', 'e', 'b']],
    [{ column: 'size', descending: true }, ['x', 'b', 'e', 'd', 'f']]
  ] satisfies [IOrder, string[]][])('inserts new rows in order: %j', (order, expected) => {
    rows.setOrder(order);
    rows.add(pageOf({ 'p/e': 2, 'p/f': 0 }));
    expect(names(rows)).toEqual(expected);
    expect(expected.map(name => rows.indexOf(name === 'x' ? 'p/x/' : `p/${name}`))).toEqual([
      0, 1, 2, 3, 4
    ]);
  });

  it('filters new rows, knows their indices, and widens again', () => {
    rows.setFilter('D');
    rows.add(pageOf({ 'p/dd': 2, 'p/e': 0 }));
    expect([names(rows), rows.indexOf('p/dd'), rows.indexOf('p/e')]).toEqual([['d', 'dd'], 1, -1]);
    rows.setFilter('dd');
    expect(names(rows)).toEqual(['dd']);
    rows.setFilter('e');
    expect(names(rows)).toEqual(['e']);
    rows.setFilter('');
    expect(names(rows)).toEqual(['x', 'b', 'd', 'dd', 'e']);
  });

  it('appends older rows after reloaded ones', () => {
    rows.add(pageOf({ 'p/e': 0 }));
    const fresh = new Rows('p/');
    fresh.add({ ...pageOf({ 'p/a': 1, 'p/d': 9 }), nextContinuationToken: 'old' });
    fresh.appendRest(rows);
    expect(names(fresh)).toEqual(['x', 'a', 'd', 'e']);
    expect([fresh.shown[2].size, fresh.nextToken]).toEqual([9, null]);
  });

  it('removes deleted rows, sorted or not', () => {
    rows.setOrder(BY_SIZE);
    rows.remove(['p/d', 'p/x/']);
    expect([names(rows), rows.count, rows.indexOf('p/d')]).toEqual([['b'], 1, -1]);
  });

  it('adds a page to a hundred thousand rows without touching the others', () => {
    const many = new Rows('');
    for (let start = 0; start < 100_000; start += 1000) {
      const keys = Array.from({ length: 1000 }, (_, index) =>
        String(start + index).padStart(6, '0')
      );
      many.add(pageOf(Object.fromEntries(keys.map(key => [`k${key}`, 1]))));
    }
    const { shown } = many;
    many.add(pageOf({ z: 1 }));
    expect(many.shown).toBe(shown);
    expect([many.count, many.indexOf('k050000'), many.indexOf('z')]).toEqual([
      100_001, 50_000, 100_000
    ]);
  });
});

describe('isAfter()', () => {
  it('has the order of the UTF-8 bytes, which is not that of the UTF-16 units', () => {
    const keys = ['a', 'a/', 'b', 'é', '日', '\uff01', '😀'];
    expect([...keys].reverse().sort((x, y) => (isAfter(x, y) ? 1 : -1))).toEqual(keys);
    expect(isAfter('a', 'a')).toBe(false);
  });
});

describe('nextOrder()', () => {
  it('reverses the same column, and starts sizes with the largest', () => {
    expect(nextOrder(BY_NAME, 'name')).toEqual({ column: 'name', descending: true });
    expect(nextOrder(BY_NAME, 'size')).toEqual({ column: 'size', descending: true });
    expect(nextOrder(BY_SIZE, 'name')).toEqual(BY_NAME);
  });
});
