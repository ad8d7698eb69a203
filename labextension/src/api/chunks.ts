/** Lists that fit in one request: the server accepts up to 10,000 entries and 2 MiB. */

const MAX_ITEMS = 10_000;
const MAX_BYTES = 1_900_000; // room for the rest of the request
const BYTES_PER_UNIT = 3; // of UTF-8 for a UTF-16 code unit, at most

/** Split the items into as few lists as requests need. No items give no lists. */
export function chunks(items: readonly string[]): string[][] {
  const lists: string[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const size = JSON.stringify(item).length * BYTES_PER_UNIT + 1;
    bytes += size;
    if (bytes > MAX_BYTES || lists[lists.length - 1].length >= MAX_ITEMS) {
      lists.push([]);
      bytes = size;
    }
    lists[lists.length - 1].push(item);
  }
  return lists;
}
