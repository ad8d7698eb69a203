import { expect, it } from 'vitest';

import { RecentLocations } from './recent';

it('restores only valid saved locations', () => {
  const recent = new RecentLocations();
  const location = { bucket: 'b', prefix: 'p/' };
  for (const kept of [
    undefined,
    null,
    'x',
    { length: 1 },
    [null, 1, {}, { bucket: {} }, location]
  ]) {
    recent.restore(kept);
  }
  expect(recent.locations).toEqual([location]);
});
