// Tables for people.

import { alignColumns } from '../columns.js';
import type { Colors } from './colors.js';

/** Rows under headings and a rule; columns of quantities are right-aligned, the others left-aligned. */
export function formatTable(
  { bold, dim }: Colors,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = alignColumns(headings, rows);
  const rule = lines.widths.map((width) => '-'.repeat(width)).join('  ');
  return [bold(lines.headings), dim(rule), ...lines.rows].join('\n');
}

/** `yes` or `no`, the one that people look for in green. */
export const yesOrNo = ({ green, dim }: Colors, value: boolean): string => (value ? green('yes') : dim('no'));
