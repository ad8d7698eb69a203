/** Which tab sends which upload: Web Locks, which are released when their tab is closed. */
const PREFIX = 'odhtec-upload:';

/** Lock the upload for other tabs until the returned function is called. */
export function lockUpload(id: string): () => void {
  let release = () => {};
  const held = new Promise<void>(resolve => {
    release = resolve;
  });
  // Web Locks need a secure context; without them, other tabs offer to continue uploads that this one is sending.
  navigator.locks?.request(PREFIX + id, { mode: 'shared' }, () => held).catch(() => undefined);
  return release;
}

/** Return the uploads that any tab is sending. */
export async function lockedUploads(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const names = held.map(({ name = '' }) => name).filter(name => name.startsWith(PREFIX));
  return new Set(names.map(name => name.slice(PREFIX.length)));
}
