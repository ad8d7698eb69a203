import { describe, expect, it } from 'vitest';

import { bucketAddress, connectionOf, splitBucket } from './bucketaddress';

describe('bucket addresses', () => {
  it.each([
    ['data', '', 'data'],
    ['archive@data', 'archive', 'data'],
    ['archive@', 'archive', '']
  ])('takes %s apart and puts it together again', (address, connection, bucket) => {
    expect(splitBucket(address)).toEqual({ connection, bucket });
    expect(bucketAddress({ connection, bucket })).toBe(address);
  });

  it('has one address for a bucket of the default connection', () => {
    expect(bucketAddress(splitBucket('default@data'))).toBe('data');
    expect(connectionOf('default@data')).toBe('');
  });
});
