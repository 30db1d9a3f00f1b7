// The command line as a function: declares commands, parses, maps errors to exit statuses. What a command
// does is imported only when it runs, so that `--help` stays quick.
//
// Results go to stdout, progress to stderr. Exit status: 0 done, 1 failed, 2 wrong usage.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { HalfspaceError, type ErrorCode } from '../errors.js';
import { addConstructCommand } from './construct.js';
import { addDevicesCommand } from './devices.js';
import { addDoctorCommand } from './doctor.js';
import { addEvalCommand } from './eval.js';
import { addInspectCommand } from './inspect.js';
import { InterruptedError } from './interrupt.js';
import { addReportCommand } from './report.js';
import { addTrainCommand } from './train.js';

/** Codes that mean the command was asked for something that does not exist or cannot be. */
const usageCodes: readonly ErrorCode[] = ['ERR_OPTION', 'ERR_TARGET'];

/** Runs the command line and returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(argv);
    return 0;
  } catch (error) {
    return report(error);
  }
}

/** All commands and options, with nothing behind them loaded. */
export function buildProgram(): Command {
  const program = new Command('halfspace')
    .description('Train any super-network once and get back a compact sub-network of the same accuracy.')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', examples);
  program.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'halfspace: ')) });
  addInspectCommand(program);
  addTrainCommand(program);
  addConstructCommand(program);
  addEvalCommand(program);
  addDevicesCommand(program);
  addDoctorCommand(program);
  addReportCommand(program);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

const examples = `
Examples:
  halfspace inspect stackedunets                       what can be erased, and why not the rest
  halfspace train stackedunets --data sample --remove 3 --out runs/first
  halfspace eval runs/first/sub.onnx --data sample
  halfspace construct runs/first/super.onnx -o smaller.onnx`;

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Prints what went wrong, once, and says which exit status it means. */
function report(error: unknown): number {
  if (error instanceof InterruptedError) return error.exitStatus;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof HalfspaceError) {
    process.stderr.write(`halfspace: ${error.message}\n`);
    return usageCodes.includes(error.code) ? 2 : 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`halfspace: internal: ${text}\n`);
  return 1;
}
