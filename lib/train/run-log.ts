// The events of a run as files that other programs read. A log is a way of writing, not a state: every
// event is added to its file at once, so that a run that is killed loses nothing.

import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from './checkpoint.js';
import type { Progress } from './progress.js';

/** Writes the events of one run. */
export interface RunLog {
  /** Before the first event of a run, or of one that goes on: what came after `step` will come again. */
  begin(step: number): Promise<void>;
  append(event: Progress): Promise<void>;
}

/** How events are lines of a text file. */
export interface LineFormat {
  readonly file: string;
  /** The first line, where there is one. */
  readonly heading?: string;
  readonly format: (event: Progress) => string;
  /** The step of a line; NaN where the line is none, such as half a line after a crash. */
  readonly stepOf: (line: string) => number;
}

/** A text file in a run directory, one event a line. */
export function lineLog(directory: string, { file, heading, format, stepOf }: LineFormat): RunLog {
  const path = join(directory, file);
  return {
    async begin(step) {
      if (heading === undefined && !existsSync(path)) return;
      const lines = existsSync(path) ? (await readFile(path, 'utf8')).split('\n') : [];
      const kept = lines.filter((line) => stepOf(line) <= step);
      const all = heading === undefined ? kept : [heading, ...kept];
      await writeAtomically(path, all.map((line) => `${line}\n`).join(''));
    },
    append: (event) => appendFile(path, `${format(event)}\n`),
  };
}

/** One JSON document a line. */
export const jsonLines: LineFormat = {
  file: 'metrics.jsonl',
  format: (event) => JSON.stringify(event),
  stepOf: (line) => {
    try {
      return (JSON.parse(line) as Progress).step;
    } catch {
      return NaN;
    }
  },
};
