/**
 * How the front end names a bucket: `bucket` in the default connection, `connection@bucket` in a named one, as in URIs.
 * Two buckets with the same name in two connections therefore never have the same address, whatever it is the key of:
 * a list, a count, an upload or a saved location. Only the API takes an address apart.
 */

/** The name of the default connection, which is left out of addresses. */
export const DEFAULT_CONNECTION = 'default';

export interface IBucketAddress {
  /** Empty for the default connection. */
  connection: string;
  /** The name that the store knows. */
  bucket: string;
}

/** Take an address apart. An `@` cannot be in the name of a bucket. */
export function splitBucket(address: string): IBucketAddress {
  const at = address.lastIndexOf('@');
  return { connection: named(address.slice(0, Math.max(at, 0))), bucket: address.slice(at + 1) };
}

/** Return the address of a bucket in a connection. */
export function bucketAddress({ connection, bucket }: IBucketAddress): string {
  return named(connection) ? `${connection}@${bucket}` : bucket;
}

/** Return the connection of an address; empty for the default one. */
export function connectionOf(address: string): string {
  return splitBucket(address).connection;
}

/** Return the name of a connection as addresses have it. */
export function named(connection: string): string {
  return connection === DEFAULT_CONNECTION ? '' : connection;
}
