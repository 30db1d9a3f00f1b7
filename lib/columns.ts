// Cells in columns, as tables for people have them. What frames a table is its printer's matter.

import { stripVTControlCharacters } from 'node:util';

/** Lines of one table, all columns equally wide in each. */
export interface Columns {
  readonly headings: string;
  readonly rows: readonly string[];
  readonly widths: readonly number[];
}

/** Rows under headings; columns of quantities are right-aligned, the others left-aligned. */
export function alignColumns(headings: readonly string[], rows: readonly (readonly string[])[]): Columns {
  const columns = headings.map((heading, index) =>
    alignColumn(
      heading,
      rows.map((row) => row[index] ?? ''),
    ),
  );
  const line = (cellOf: (column: Column) => string | undefined): string =>
    columns.map(cellOf).join('  ').trimEnd();
  return {
    headings: line(({ heading }) => heading),
    rows: rows.map((_, row) => line(({ cells }) => cells[row])),
    widths: columns.map(({ width }) => width),
  };
}

/** Heading and cells of one column, all of them `width` wide on the screen. */
interface Column {
  readonly width: number;
  readonly heading: string;
  readonly cells: readonly string[];
}

function alignColumn(heading: string, cells: readonly string[]): Column {
  const plain = cells.map(stripVTControlCharacters);
  const width = plain.reduce((most, cell) => Math.max(most, cell.length), heading.length);
  const numeric = plain.every((cell) => /^([-\d.].*)?$/.test(cell));
  // Colours take no room on the screen.
  const pad = (cell: string, length: number): string => {
    const space = ' '.repeat(width - length);
    return numeric ? space + cell : cell + space;
  };
  return {
    width,
    heading: pad(heading, heading.length),
    cells: cells.map((cell, row) => pad(cell, plain[row]?.length ?? 0)),
  };
}
