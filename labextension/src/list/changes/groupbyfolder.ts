import { chunks } from '../../api/chunks';
import { parentPrefix } from '../../api/keys';
import type { TransferRequest } from '../../tokens';

/** Files and folders of one folder that are transferred together; long lists are split. */
export interface IFolderGroup {
  keys: readonly string[];
  request: Pick<TransferRequest, 'source' | 'names' | 'target'>;
}

/**
 * What brings files and folders into a folder; a search finds some that are not beside each other.
 *
 * @param base what the keys stand below, as a URI with its slash
 * @param keys a folder's ends in a slash
 * @param target the URI of the folder, with its slash
 */
export function groupByFolder(
  base: string,
  keys: readonly string[],
  target: string
): IFolderGroup[] {
  const folders = new Map<string, string[]>();
  for (const key of keys) {
    const folder = parentPrefix(key);
    const inside = folders.get(folder);
    if (inside) {
      inside.push(key);
    } else {
      folders.set(folder, [key]);
    }
  }
  const lists = [...folders].flatMap(([folder, inside]) =>
    chunks(inside).map(some => [folder, some] as const)
  );
  return lists.map(([folder, inside]) => {
    const names = inside.map(key => key.slice(folder.length));
    return {
      keys: inside,
      request:
        names.length > 1
          ? { source: base + folder, names, target }
          : { source: base + inside[0], target: target + names[0] }
    };
  });
}
