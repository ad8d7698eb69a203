import { parseUntrustedJson } from '../untrustedjson';

/** A notebook's file and Lab's model of it differ as they do on the Jupyter server: in lines, and in trust. */

type Dict = Record<string, unknown>;

/** The model of a notebook's file: texts in one piece, and nothing trusted because the file says so. */
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

/** The file of a notebook's model, written as the Jupyter server writes it: a diff shows what was changed. */
export function formatNotebook(content: unknown): string {
  const notebook = content as Dict & { cells: unknown[] };
  const file = { ...notebook, cells: notebook.cells.map(cell => changeCell(cell, SPLITTING)) };
  return JSON.stringify(sorted(file), null, 1) + '\n';
}

interface IChange {
  text(value: unknown): unknown;
  /** Whether data of this type are changed, too. */
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
    // Whether its scripts may run is no part of the file.
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

/** Whoever wrote the file must not decide whether its scripts run. Lab looks at this one flag, so it is always there. */
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

/** Keys in the order in which Jupyter writes them. */
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
