import { parseUntrustedJson } from '../untrustedjson';

/** A notebook's file differs from Lab's model of it in how lines are stored and in the trust flag. */

type Dict = Record<string, unknown>;

/** Return the model of a notebook's file: texts in one piece, and nothing trusted because the file says so. */
export function parseNotebook(text: string): Dict {
  if (!text.trim()) {
    throw new Error(
      'This file is empty, so it is not a notebook. Delete it and create a new notebook.'
    );
  }
  const notebook = parseUntrustedJson(text);
  if (!isDict(notebook) || !Array.isArray(notebook.cells) || notebook.nbformat !== 4) {
    throw new Error(
      'This is not a version 4 notebook. Convert older notebooks with jupyter nbconvert.'
    );
  }
  return { ...notebook, cells: notebook.cells.map(cell => untrusted(changeCell(cell, JOINING))) };
}

/** Return the file of a notebook's model as the Jupyter server writes it, so that a diff shows only changes. */
export function formatNotebook(content: unknown): string {
  const notebook = content as Dict & { cells: unknown[] };
  const file = { ...notebook, cells: notebook.cells.map(cell => changeCell(cell, SPLITTING)) };
  return JSON.stringify(sorted(file), null, 1) + '\n';
}

interface IChange {
  text(value: unknown): unknown;
  /** Whether data of this type are changed as well. */
  applies(type: string): boolean;
}

const JOINING: IChange = {
  text: value =>
    Array.isArray(value) && value.every(line => typeof line === 'string') ? value.join('') : value,
  applies: type => type !== 'application/json' && !type.endsWith('+json')
};

/** An image stays in one piece. */
const SPLITTING: IChange = {
  text: value => (typeof value === 'string' ? (value.match(/[^\n]*\n|[^\n]+/g) ?? []) : value),
  applies: type =>
    type.startsWith('text/') || ['application/javascript', 'image/svg+xml'].includes(type)
};

function changeCell(cell: unknown, change: IChange): unknown {
  if (!isDict(cell)) {
    return cell;
  }
  const changed: Dict = { ...cell };
  if ('source' in cell) {
    changed.source = change.text(cell.source);
  }
  if (isDict(cell.metadata)) {
    // Trust is not part of the file.
    const { ...metadata } = cell.metadata;
    delete metadata.trusted;
    changed.metadata = metadata;
  }
  if (isDict(cell.attachments)) {
    const all = Object.entries(cell.attachments);
    changed.attachments = Object.fromEntries(
      all.map(([name, bundle]) => [name, changeBundle(bundle, change)])
    );
  }
  if (Array.isArray(cell.outputs)) {
    changed.outputs = cell.outputs.map(output => changeOutput(output, change));
  }
  return changed;
}

/** The author of the file must not decide whether its scripts run. Lab checks only this flag, so always set it. */
function untrusted(cell: unknown): unknown {
  return isDict(cell)
    ? { ...cell, metadata: { ...(isDict(cell.metadata) ? cell.metadata : {}), trusted: false } }
    : cell;
}

function changeOutput(output: unknown, change: IChange): unknown {
  if (!isDict(output)) {
    return output;
  }
  const changed: Dict = { ...output };
  if ('data' in output) {
    changed.data = changeBundle(output.data, change);
  }
  if (output.output_type === 'stream') {
    changed.text = change.text(output.text);
  }
  return changed;
}

function changeBundle(bundle: unknown, change: IChange): unknown {
  if (!isDict(bundle)) {
    return bundle;
  }
  return Object.fromEntries(
    Object.entries(bundle).map(([type, data]) => [
      type,
      change.applies(type) ? change.text(data) : data
    ])
  );
}

/** Sort keys as Jupyter writes them. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (!isDict(value)) {
    return value;
  }
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map(key => [key, sorted(value[key])]));
}

function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
