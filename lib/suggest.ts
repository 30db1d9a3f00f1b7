// Looking things up by name, and the nearest known name for a mistyped one in every "unknown ..." error.

import { HalfspaceError } from './errors.js';

/**
 * The table's own entry `name`; throws ERR_OPTION, `unknown <what> '<name>'` with the nearest of
 * `known`, where there is none. Names that every object inherits, like `constructor`, are unknown.
 */
export function lookUp<T>(
  table: Readonly<Record<string, T>>,
  name: string,
  what: string,
  known: readonly string[] = Object.keys(table),
): T {
  if (Object.hasOwn(table, name)) return table[name] as T;
  throw new HalfspaceError('ERR_OPTION', `unknown ${what} '${name}'${suggest(name, known)}`);
}

/** ` (did you mean 'x'?)` where a name is near, else ` (known: a, b, c)`. */
export function suggest(name: string, known: readonly string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, name.length / 3)
    ? ` (did you mean '${best.candidate}'?)`
    : ` (known: ${known.join(', ')})`;
}

/** Levenshtein distance, by rows. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 0; row < a.length; row += 1) {
    const current = [row + 1];
    for (let column = 0; column < b.length; column += 1) {
      current.push(
        Math.min(
          (current[column] as number) + 1,
          (previous[column + 1] as number) + 1,
          (previous[column] as number) + (a[row] === b[column] ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return previous[b.length] as number;
}
