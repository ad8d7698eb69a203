import { expect, it } from 'vitest';

import { RecentPlaces } from './recent';

it('what was saved is taken as far as it names places', () => {
  const recent = new RecentPlaces();
  const place = { bucket: 'b', prefix: 'p/' };
  for (const kept of [undefined, null, 'x', { length: 1 }, [null, 1, {}, { bucket: {} }, place]]) {
    recent.restore(kept);
  }
  expect(recent.places).toEqual([place]);
});
