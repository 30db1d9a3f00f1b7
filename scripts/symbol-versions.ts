// Which releases of the system's libraries a binary needs: it asks for symbols with the version that they
// were made in.

import { execFileSync } from 'node:child_process';

/** Names of version series, as libraries use them. */
export type Series = 'GLIBC' | 'GLIBCXX';

const numbers = (version: string): readonly number[] => version.split('.').map(Number);

/** Negative where `a` comes before `b`: 2.9 before 2.34. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0));
  return at < 0 ? left.length - right.length : (left[at] as number) - (right[at] ?? 0);
}

/** The newest version of `series` that any of these files asks for, or null. */
export function newestVersion(files: readonly string[], series: Series): string | null {
  const symbols = execFileSync('objdump', ['-T', ...files], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const versions = symbols
    .split('\n')
    .filter((line) => line.includes('*UND*'))
    .flatMap((line) => line.match(new RegExp(`(?<=\\(${series}_)[0-9.]+(?=\\))`)) ?? []);
  return versions.toSorted(compareVersions).at(-1) ?? null;
}
