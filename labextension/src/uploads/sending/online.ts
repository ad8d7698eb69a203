/** Resolves when the browser has a network, or when the signal is aborted; to true when it had none at first. */
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
