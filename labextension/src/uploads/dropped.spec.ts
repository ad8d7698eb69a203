import { expect, it } from 'vitest';

import { filesOf, pickedFiles } from './dropped';

function fileEntry(fullPath: string): FileSystemFileEntry {
  const found = new File(['x'], fullPath.split('/').pop()!);
  return {
    isDirectory: false,
    isFile: true,
    fullPath,
    file: (resolve: FileCallback) => resolve(found)
  } as FileSystemFileEntry;
}

/** Hands out its children two at a time, as Chromium does by the hundred. */
function folderEntry(fullPath: string, children: FileSystemEntry[]): FileSystemDirectoryEntry {
  const createReader = () => readerOf(children, 2);
  return { isDirectory: true, isFile: false, fullPath, createReader } as FileSystemDirectoryEntry;
}

function readerOf(children: FileSystemEntry[], step = 1000) {
  let start = 0;
  return {
    readEntries: (resolve: FileSystemEntriesCallback) =>
      resolve(children.slice(start, (start += step)))
  };
}

it('reads dropped folders to the end and keeps relative names', async () => {
  const inner = folderEntry(
    '/top/inner',
    ['a', 'b', 'c', 'd', 'e'].map(name => fileEntry(`/top/inner/${name}`))
  );
  const top = folderEntry('/top', [
    inner,
    fileEntry('/top/日本.txt'),
    folderEntry('/top/none', [])
  ]);
  const files = await filesOf([top, fileEntry('/alone.txt')]);
  expect(files.map(({ name }) => name)).toEqual([
    'top/inner/a',
    'top/inner/b',
    'top/inner/c',
    'top/inner/d',
    'top/inner/e',
    'top/日本.txt',
    'alone.txt'
  ]);
});

it('reads a folder with more files than a function can have arguments', async () => {
  const some = fileEntry('/many/file');
  const many = Array.from({ length: 200_000 }, () => some);
  const folder = { ...folderEntry('/many', []), createReader: () => readerOf(many) };
  expect(await filesOf([folder as FileSystemDirectoryEntry])).toHaveLength(200_000);
});

it('fails if any file cannot be read', async () => {
  const broken = {
    ...fileEntry('/broken'),
    file: (_: FileCallback, reject: ErrorCallback) =>
      reject(new DOMException('not found', 'NotFoundError'))
  } as FileSystemFileEntry;
  await expect(filesOf([broken])).rejects.toThrow('not found');
});

it('uses the path of a selected folder', () => {
  const inFolder = Object.defineProperty(new File([], 'x'), 'webkitRelativePath', {
    value: 'dir/x'
  });
  expect(pickedFiles([inFolder, new File([], 'y')]).map(({ name }) => name)).toEqual([
    'dir/x',
    'y'
  ]);
});
