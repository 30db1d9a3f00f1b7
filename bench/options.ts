// How the benchmark commands read their options: what nobody knows, or means nothing, ends the command with a line
// on what there is.

import { parseArgs, type ParseArgsConfig } from 'node:util';

/** As `parseArgs`; `usage` is what `--help` prints. */
export function parseOptions<T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse(`${(error as Error).message}\n${usage}`);
  }
}

/** The number that `--option` was given. */
export function positive(option: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  return refuse(`--${option}: expected a positive whole number, got '${text}'`);
}

/** Ends the command, which was asked for what cannot be. */
export function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
