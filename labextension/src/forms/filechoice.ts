import type { HubFile } from '../tokens';
import { exactPattern, matches } from './patterns';

/** Which files of a repository are selected: by patterns, and by boxes checked or unchecked after that. */
export interface IFileChoice {
  include: readonly string[];
  exclude: readonly string[];
  ticked: ReadonlySet<string>;
  unticked: ReadonlySet<string>;
}

export const EVERYTHING: IFileChoice = {
  include: [],
  exclude: [],
  ticked: new Set(),
  unticked: new Set()
};

export function byPatterns(include: readonly string[], exclude: readonly string[]): IFileChoice {
  return { ...EVERYTHING, include, exclude };
}

export function chosenPaths(files: readonly HubFile[], choice: IFileChoice): Set<string> {
  const isIncluded = matches(choice.include, choice.exclude);
  return new Set(
    files
      .map(({ path }) => path)
      .filter(path => choice.ticked.has(path) || (isIncluded(path) && !choice.unticked.has(path)))
  );
}

/** Return the choice with these paths selected or not selected. */
export function tick(choice: IFileChoice, paths: Iterable<string>, on: boolean): IFileChoice {
  const ticked = new Set(choice.ticked);
  const unticked = new Set(choice.unticked);
  for (const path of paths) {
    (on ? ticked : unticked).add(path);
    (on ? unticked : ticked).delete(path);
  }
  return { ...choice, ticked, unticked };
}

/** Return the choice as patterns of a request. Few of them, because the server matches each pattern with each path. */
export function asPatterns(
  files: readonly HubFile[],
  choice: IFileChoice
): { include?: string[]; exclude?: string[] } {
  const { include, exclude } = choice;
  const isIncluded = matches(include, exclude);
  const excluded = matches([], exclude);
  const chosen = chosenPaths(files, choice);
  const paths = files.map(({ path }) => path);
  const added = paths.filter(path => chosen.has(path) && !isIncluded(path));
  const removed = paths.filter(path => !chosen.has(path) && isIncluded(path));
  const others = paths.filter(path => !chosen.has(path));
  const candidates = [
    compact([...chosen].map(exactPattern), []),
    compact([], others.map(exactPattern))
  ];
  // An include pattern cannot bring back what an exclude pattern removes.
  if (added.every(excluded)) {
    const more = include.length ? [...include, ...added.map(exactPattern)] : [];
    candidates.unshift(compact(more, [...exclude, ...removed.map(exactPattern)]));
  }
  return candidates.reduce((best, candidate) =>
    length(candidate) < length(best) ? candidate : best
  );
}

function length({ include = [], exclude = [] }: ReturnType<typeof compact>): number {
  return include.length + exclude.length;
}

function compact(include: string[], exclude: string[]): { include?: string[]; exclude?: string[] } {
  return { ...(include.length && { include }), ...(exclude.length && { exclude }) };
}
