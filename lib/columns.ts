// Cells in columns, as tables for people have them. What frames a table is its printer's matter.

import { stripVTControlCharacters } from 'node:util';

/** Lines of one table, all columns equally wide in each. */
export interface Columns {
  readonly headings: string;
  readonly rows: readonly string[];
  readonly widths: readonly number[];
}

interface Column {
  readonly width: number;
  readonly numeric: boolean;
}

/** Rows under headings; columns of quantities are right-aligned, the others left-aligned. */
export function alignColumns(headings: readonly string[], rows: readonly (readonly string[])[]): Columns {
  const columns = headings.map((heading, index) =>
    measure(
      heading,
      rows.map((row) => row[index] ?? ''),
    ),
  );
  const line = (row: readonly string[]): string =>
    columns
      .map((column, index) => pad(row[index] ?? '', column))
      .join('  ')
      .trimEnd();
  return { headings: line(headings), rows: rows.map(line), widths: columns.map(({ width }) => width) };
}

function measure(heading: string, cells: readonly string[]): Column {
  const plain = cells.map(stripVTControlCharacters);
  return {
    width: Math.max(heading.length, ...plain.map((cell) => cell.length)),
    numeric: plain.every((cell) => /^([-\d.].*)?$/.test(cell)),
  };
}

/** To a width on the screen, where colours take no room. */
function pad(cell: string, { width, numeric }: Column): string {
  const space = ' '.repeat(width - stripVTControlCharacters(cell).length);
  return numeric ? space + cell : cell + space;
}
