/** Which tab sends which upload: the browser's own locks, which end with their tab. */
const PREFIX = 'odhtec-upload:';

/** Tell other tabs that this one sends the upload, until the returned function is called. */
export function lockUpload(id: string): () => void {
  let release = () => {};
  const held = new Promise<void>(resolve => {
    release = resolve;
  });
  // Only a secure context has locks; without them other tabs offer to go on with what this one sends.
  navigator.locks?.request(PREFIX + id, { mode: 'shared' }, () => held).catch(() => undefined);
  return release;
}

/** The uploads that some tab sends, this one or another. */
export async function lockedUploads(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const names = held.map(({ name = '' }) => name).filter(name => name.startsWith(PREFIX));
  return new Set(names.map(name => name.slice(PREFIX.length)));
}
