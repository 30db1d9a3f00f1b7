// `--config`: fills what the command line leaves open from a config file. The command line always wins.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { HalfspaceError } from '../errors.js';
import { findConfig } from './config-names.js';
import type { ConfigFile } from './config-file.js';
import type { Settings } from './config-schema.js';
import { openOutput, type OutputFlags } from './output.js';

interface ConfigFlags extends OutputFlags {
  readonly config?: string | false;
  readonly resume?: boolean;
  readonly out?: string;
}

export const addConfigOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'settings')
    .option('--no-config', 'look for no settings')
    .hook('preAction', (_, action) => fillIn(action));

async function fillIn(command: Command): Promise<void> {
  const flags = command.opts<ConfigFlags>();
  const found = await configFor(flags);
  if (!found) return;
  const given: ReadonlySet<string> = new Set(namesGiven(command));
  const setAside: ReadonlySet<string> = new Set([...given].flatMap((name) => follows[name] ?? []));
  const open = Object.entries(found.settings).filter(([name]) => !given.has(name) && !setAside.has(name));
  const used = open.filter(([name, value]) => fill(command, name, value));
  if (used.length > 0) openOutput(flags).note(`${found.path}: ${used.map(([name]) => name).join(', ')}`);
}

/** The file that was named, that of the run that goes on, or the nearest. */
async function configFor({ config, resume, out }: ConfigFlags): Promise<ConfigFile | null> {
  if (config === false) return null;
  const path = config ?? (resume && out !== undefined ? configOf(out) : findConfig(process.cwd()));
  if (path === null) return null;
  const { readConfigFile } = await import('./config-file.js');
  return readConfigFile(path);
}

/** The settings that the run in a folder was begun with. Throws ERR_RUN where there is none. */
function configOf(run: string): string {
  const path = join(run, 'config.json');
  if (existsSync(path)) return path;
  throw new HalfspaceError('ERR_RUN', `${run} holds no run to go on with: there is no config.json`);
}

/** Names of the arguments and options that stand on the command line. */
function namesGiven(command: Command): readonly string[] {
  const options = command.options.map((option) => option.attributeName());
  const given = command.registeredArguments.filter((_, index) => command.processedArgs[index] !== undefined);
  return [
    ...options.filter((name) => command.getOptionValueSource(name) === 'cli'),
    ...given.map((argument) => argument.name()),
  ];
}

/** Options that are about one call, not about what it does. */
const aboutTheCall: readonly string[] = ['json', 'quiet', 'color', 'config', 'resume', 'out'];

/** What a command was asked for, by the command line or a config file, as a config file would say it. */
export function settingsOf(command: Command): Settings {
  const names = command.options
    .map((option) => option.attributeName())
    .filter((name) => !aboutTheCall.includes(name))
    .filter((name) => ['cli', 'config'].includes(command.getOptionValueSource(name) ?? ''));
  return Object.fromEntries([
    ...command.registeredArguments.map((argument, index) => [argument.name(), command.processedArgs[index]]),
    ...names.map((name) => [name, command.getOptionValue(name)]),
  ]) as Settings;
}

/** Sets an argument or option that the command has; others are settings of other commands. */
function fill(command: Command, name: string, value: unknown): boolean {
  const argument = command.registeredArguments.findIndex((each) => each.name() === name);
  if (argument >= 0) command.processedArgs[argument] = value;
  else if (!command.options.some((option) => option.attributeName() === name)) return false;
  else command.setOptionValueWithSource(name, value, 'config');
  return true;
}

const targets = ['remove', 'sparsity', 'params', 'macs'] as const;

/** What says something about another setting, or instead of it, and so goes with it when that one is given. */
const follows: Readonly<Record<string, readonly (keyof Settings)[]>> = {
  model: ['width'],
  data: ['dataDir', 'size', 'mean', 'deviation'],
  epochs: ['steps'],
  steps: ['epochs'],
  optimizer: ['nesterov', 'lr', 'weightDecay'],
  ...Object.fromEntries(targets.map((name) => [name, targets.filter((other) => other !== name)])),
};
