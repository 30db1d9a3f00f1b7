// What the command line prints: tables and JSON on stdout, notes on stderr.

import { writeFile } from 'node:fs/promises';
import { HalfspaceError } from '../errors.js';

export { formatCount, formatPercent, formatShare } from '../report/numbers.js';

/** Rows under headings; columns of quantities are right-aligned, the others left-aligned. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = headings.map((heading, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    return {
      width: Math.max(heading.length, ...cells.map((cell) => cell.length)),
      numeric: cells.every((cell) => /^([-\d.].*)?$/.test(cell)),
    };
  });
  const line = (row: readonly string[]): string =>
    columns
      .map(({ width, numeric }, column) => {
        const cell = row[column] ?? '';
        return numeric ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(headings), columns.map(({ width }) => '-'.repeat(width)).join('  '), ...rows.map(line)].join(
    '\n',
  );
}

export const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

export const printJson = (document: unknown): void => print(JSON.stringify(document, null, 2));

/** A line for people, never part of the result. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Writes a file that the user named. Throws ERR_RUN where that cannot be. */
export async function writeResult(path: string, contents: string | Uint8Array): Promise<void> {
  await writeFile(path, contents).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_RUN', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  });
}
