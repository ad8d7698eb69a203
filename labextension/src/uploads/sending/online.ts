/** Wait until the browser is online or the signal is aborted. Resolves to true if it was offline. */
export function whenOnline(signal: AbortSignal): Promise<boolean> {
  if (navigator.onLine || signal.aborted) {
    return Promise.resolve(false);
  }
  return new Promise(resolve => {
    const done = () => {
      window.removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve(true);
    };
    window.addEventListener('online', done);
    signal.addEventListener('abort', done);
  });
}
