// How the benchmark commands read their options: what nobody knows, or means nothing, ends the command with a line
// on what there is.

import { parseArgs, type ParseArgsConfig } from 'node:util';

/** As `parseArgs`; `--help` prints `usage` and `more`, a mistake `usage` alone. */
export function parseOptions<T extends ParseArgsConfig>(
  usage: string,
  config: T,
  more = '',
): ReturnType<typeof parseArgs<T>> {
  if (process.argv.includes('--help')) {
    process.stdout.write(more === '' ? `${usage}\n` : `${usage}\n${more}\n`);
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

/** The name that `--option` was given. */
export function oneOf<T extends string>(option: string, names: readonly T[], text: string): T {
  const found = names.find((name) => name === text);
  return found ?? refuse(`--${option}: expected ${names.join(', ')}, got '${text}'`);
}

/** Ends the command, which was asked for what cannot be. */
export function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
