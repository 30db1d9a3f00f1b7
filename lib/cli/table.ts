// Tables for people.

import { stripVTControlCharacters } from 'node:util';
import type { Colors } from './colors.js';

/** Rows under headings; columns of quantities are right-aligned, the others left-aligned. */
export function formatTable(
  { bold, dim }: Colors,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const columns = headings.map((heading, column) => {
    const cells = rows.map((row) => stripVTControlCharacters(row[column] ?? ''));
    return {
      width: Math.max(heading.length, ...cells.map((cell) => cell.length)),
      numeric: cells.every((cell) => /^([-\d.].*)?$/.test(cell)),
    };
  });
  const line = (row: readonly string[]): string =>
    columns
      .map(({ width, numeric }, column) => pad(row[column] ?? '', width, numeric))
      .join('  ')
      .trimEnd();
  const rule = columns.map(({ width }) => '-'.repeat(width)).join('  ');
  return [bold(line(headings)), dim(rule), ...rows.map(line)].join('\n');
}

/** To a width on the screen, where colours take no room. */
function pad(cell: string, width: number, numeric: boolean): string {
  const space = ' '.repeat(width - stripVTControlCharacters(cell).length);
  return numeric ? space + cell : cell + space;
}

/** `yes` or `no`, the one that people look for in green. */
export const yesOrNo = ({ green, dim }: Colors, value: boolean): string => (value ? green('yes') : dim('no'));
