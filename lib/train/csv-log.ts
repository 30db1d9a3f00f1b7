// The events of a run as a table for spreadsheets and data frames: a row an event, a column a field; a
// field that an event does not have is empty, a list is joined by spaces.

import type { LineFormat } from './run-log.js';
import type { Progress } from './progress.js';

/** Every field of every event. */
type Column = Progress extends infer Event ? (Event extends unknown ? keyof Event : never) : never;

/** True for each, so that a new field cannot be forgotten. */
const columns = Object.keys({
  kind: true,
  step: true,
  steps: true,
  epoch: true,
  epochs: true,
  phase: true,
  loss: true,
  accuracy: true,
  learningRate: true,
  zeroGroups: true,
  imagesPerSecond: true,
  trainLoss: true,
  trainAccuracy: true,
  testLoss: true,
  testAccuracy: true,
  seconds: true,
  groups: true,
  segments: true,
  scores: true,
  params: true,
  macs: true,
} satisfies Record<Column, true>);

type Value = string | number | readonly number[] | undefined;

/** Numbers and plain words: nothing that would need quotes. */
const cell = (value: Value = ''): string => (typeof value === 'object' ? value.join(' ') : String(value));

export const csvFormat: LineFormat = {
  file: 'metrics.csv',
  heading: columns.join(','),
  format: (event) =>
    columns.map((column) => cell((event as unknown as Readonly<Record<string, Value>>)[column])).join(','),
  stepOf: (line) => {
    const cells = line.split(',');
    return cells.length === columns.length ? Number(cells[columns.indexOf('step')]) : NaN;
  },
};
