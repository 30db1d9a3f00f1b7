// The command line as a function: declares commands, parses, maps errors to exit statuses. What a command
// does is imported only when it runs, so that `--help` stays quick.
//
// Results go to stdout, progress to stderr. Exit status: 0 done, 1 failed, 2 wrong usage.

import { readFileSync } from 'node:fs';
import { HalfspaceError, type ErrorCode } from '../errors.js';
import { colorsFor, usesColor } from './colors.js';
import { commands } from './commands.js';
import { addExamples, helpStyle } from './help.js';
import { InterruptedError } from './interrupt.js';
import { printable } from './output.js';
import { Command, CommanderError } from './packages.js';

/** Codes that mean the command was asked for something that does not exist or cannot be. */
const usageCodes: readonly ErrorCode[] = ['ERR_OPTION', 'ERR_TARGET'];

/** Runs the command line and returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  // Wherever it stands, it means what the variable means, here and in child processes.
  if (argv.includes('--no-color')) process.env['NO_COLOR'] = '1';
  try {
    const program = await buildProgram(argv);
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    return report(error);
  }
}

/** All commands, with the options of those that are `named`, and nothing behind them loaded. */
export async function buildProgram(named: readonly string[] = Object.keys(commands)): Promise<Command> {
  const { red } = colorsFor(process.stderr);
  const program = new Command('halfspace')
    .description('Train any super-network once and get back a compact sub-network of the same accuracy.')
    .version(packageVersion())
    .option('--no-color', 'print plain text, as with NO_COLOR set')
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .configureHelp(helpStyle)
    .configureOutput({
      getOutHasColors: () => usesColor(process.stdout),
      getErrHasColors: () => usesColor(process.stderr),
      outputError: (text, write) => write(text.replace(/^error:/, red('halfspace:'))),
    });
  for (const [name, { usage, description, load }] of Object.entries(commands)) {
    const command = program.command(name).description(description).usage(usage);
    if (named.includes(name)) (await load())(command);
  }
  addExamples(
    program,
    ['halfspace init --network', 'a config file and a network to begin with'],
    ['halfspace inspect stackedunets', 'what can be erased, and why not the rest'],
    ['halfspace train stackedunets --data sample --remove 3 --out runs/first', 'a first run'],
    ['halfspace eval runs/first/sub.onnx --data sample', 'what came out of it'],
  );
  return program;
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Prints what went wrong, once, and says which exit status it means. */
function report(error: unknown): number {
  if (error instanceof InterruptedError) return error.exitStatus;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { red } = colorsFor(process.stderr);
  if (error instanceof HalfspaceError) {
    process.stderr.write(`${red('halfspace:')} ${printable(error.message)}\n`);
    return usageCodes.includes(error.code) ? 2 : 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${red('halfspace:')} internal: ${printable(text)}\n`);
  return 1;
}
