// What the command line prints: results on stdout, as text for people or as one JSON document, and notes
// on stderr.

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { HalfspaceError, systemReason } from '../errors.js';
import { colorsFor, type Colors } from './colors.js';

/** Options of every command. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export const addOutputOptions = (command: Command): Command =>
  command
    .optionsGroup('Output:')
    .option('--json', 'print one JSON document')
    .option('-q, --quiet', 'print results and errors, nothing else')
    .option('--no-color', 'print plain text, as with NO_COLOR set');

/** Where a command prints. */
export interface Output {
  readonly quiet: boolean;
  /** The result: `document` where JSON was asked for, else `text`. */
  readonly result: (document: unknown, text: (colors: Colors) => string) => void;
  /** A line for people, never part of the result. */
  readonly note: (text: string) => void;
}

/** Text that holds names from files, for a terminal: what would move its cursor or colour it is spelled out. */
export const printable = (text: string): string =>
  text.replaceAll(/(?![\n\t])\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

export function openOutput({ json = false, quiet = false }: OutputFlags): Output {
  return {
    quiet,
    result: (document, text) => print(json ? jsonText(document) : text(colorsFor(process.stdout))),
    note: (text) => {
      if (!quiet) process.stderr.write(`${colorsFor(process.stderr).dim(printable(text))}\n`);
    },
  };
}

/** JSON escapes what is below a space, but not the control characters behind ASCII. */
const jsonText = (document: unknown): string =>
  JSON.stringify(document, null, 2).replaceAll(
    /[\x7f-\x9f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

/** Ends the process, with the status of SIGPIPE, once nobody reads what it prints: `inspect MODEL | head`. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(141);
    });
  }
}

/** Writes a file that the user named. Throws ERR_RUN where that cannot be. */
export async function writeResult(path: string, contents: string | Uint8Array): Promise<void> {
  await writeFile(path, contents).catch((cause: unknown) => {
    throw new HalfspaceError('ERR_RUN', `cannot write ${path}: ${systemReason(cause)}`, { cause });
  });
}
