// What the command line prints: tables and JSON on stdout, notes on stderr.

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

/** `0.81 M`, `12.3 k`, `950`. */
export function formatCount(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(count >= 1e8 ? 0 : 2)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(1)} k`;
  return String(count);
}

export const formatPercent = (share: number): string => `${(100 * share).toFixed(2)} %`;

export const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

export const printJson = (document: unknown): void => print(JSON.stringify(document, null, 2));

/** A line for people, never part of the result. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
