/** Over HTTP/1.1, browsers open six connections to a host: one is for the events of transfers, and Lab needs one. */
const MAX_HTTP1_REQUESTS = 4;
/** Over HTTP/2 and later, requests share a connection. */
const MAX_HTTP2_REQUESTS = 16;

/** Return how many requests uploads may send in parallel over the protocol by which the page was loaded. */
export function maxRequests(): number {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return /^h[23]/.test(page?.nextHopProtocol ?? '') ? MAX_HTTP2_REQUESTS : MAX_HTTP1_REQUESTS;
}
