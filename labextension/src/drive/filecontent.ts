import { parseUntrustedJson } from '../untrustedjson';
import { formatNotebook, parseNotebook } from './notebookfile';

export interface IFileContent {
  type: 'file' | 'notebook';
  format: 'text' | 'json' | 'base64';
  content: unknown;
}

/** Decode an object's bytes for Lab. Without a requested type: a notebook by its name, else text, else base64. */
export function decodeFile(
  name: string,
  bytes: Uint8Array,
  { type, format }: { type?: string; format?: string | null }
): IFileContent {
  if (type === 'notebook' || (!type && !format && name.endsWith('.ipynb'))) {
    return { type: 'notebook', format: 'json', content: parseNotebook(decodeText(bytes)) };
  }
  if (format === 'base64') {
    return { type: 'file', format, content: toBase64(bytes) };
  }
  try {
    const text = decodeText(bytes);
    return format === 'json'
      ? { type: 'file', format, content: parseUntrustedJson(text) }
      : { type: 'file', format: 'text', content: text };
  } catch (reason) {
    if (format) {
      throw reason;
    }
    return { type: 'file', format: 'base64', content: toBase64(bytes) };
  }
}

/** Return the bytes of a document that Lab saves. */
export function encodeFile({ type, format, content }: Partial<IFileContent>): BlobPart {
  if (type === 'notebook') {
    return formatNotebook(content);
  }
  if (format === 'base64') {
    return fromBase64(String(content));
  }
  return format === 'json' ? JSON.stringify(content) : String(content ?? '');
}

/** Return the content type of a saved document; empty where the server derives it from the name. */
export function contentType({ type, format }: { type?: string; format?: string | null }): string {
  if (type === 'notebook') {
    return 'application/x-ipynb+json';
  }
  return format === 'json' ? 'application/json' : '';
}

/** Raised for bytes that an editor would damage when it saves them; the preview may be able to show them. */
export class NotEditable extends Error {}

/** Keep the byte order mark, so that it is still there after a save. */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotEditable(
      bytes[0] === 0x1f && bytes[1] === 0x8b
        ? 'The object is compressed with gzip, so an editor would damage it. Its preview is shown instead.'
        : 'The object is not UTF-8 text, so an editor would damage it. Its preview is shown instead.'
    );
  }
}

const CHUNK_BYTES = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // A call accepts a limited number of arguments.
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES));
  }
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) {
    bytes[index] = binary.charCodeAt(index);
  }
  return bytes;
}
