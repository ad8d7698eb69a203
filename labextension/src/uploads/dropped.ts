import type { INamedFile } from './batch';

/**
 * Return the files and folders of a drop. Call it in the drop event, because the browser clears the data afterwards.
 */
export function droppedEntries(data: DataTransfer): FileSystemEntry[] {
  return Array.from(data.items)
    .filter(item => item.kind === 'file')
    .map(item => item.webkitGetAsEntry())
    .filter(entry => entry !== null);
}

/** Return all files below the entries, with names relative to the drop. */
export async function filesOf(entries: readonly FileSystemEntry[]): Promise<INamedFile[]> {
  const files: INamedFile[] = [];
  await collect(entries, files);
  return files;
}

/** Add the files to a list: it can have more files than a function can have arguments. */
async function collect(entries: readonly FileSystemEntry[], files: INamedFile[]): Promise<void> {
  for (const entry of entries) {
    // fullPath starts with a slash.
    const name = entry.fullPath.replace(/^\//, '');
    if (entry.isDirectory) {
      await collect(await childrenOf(entry as FileSystemDirectoryEntry), files);
    } else {
      files.push({ name, file: await fileOf(entry as FileSystemFileEntry) });
    }
  }
}

/** Return the files of an input; those of a folder input have their path. */
export function pickedFiles(list: Iterable<File>): INamedFile[] {
  return Array.from(list, file => ({ name: file.webkitRelativePath || file.name, file }));
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // Chromium returns at most 100 at a time; only an empty result is the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (!some.length) {
      return children;
    }
    children.push(...some);
  }
}
