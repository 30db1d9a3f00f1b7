// What can be typed, as plain data: read from the declared commands, so that it cannot go stale. Shells
// make their scripts of it.

import type { Argument, Command, Option } from 'commander';

export interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** What its arguments can be. */
  readonly values: Values;
}

export interface OptionWords {
  /** `-q`, `--quiet`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Null where the option takes no value. */
  readonly values: Values | null;
}

/** What a value can be: names, and paths where they are taken. */
export interface Values {
  readonly names: readonly string[];
  readonly paths: 'files' | 'folders' | null;
}

/** Commands in the order of the help. */
export const commandWords = (program: Command): readonly CommandWords[] =>
  program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [...command.options.filter(({ hidden }) => !hidden), help].map(optionWords),
    values: merged(command.registeredArguments.map((argument) => valuesOf(argument.name(), argument))),
  }));

type Described = Pick<
  Option,
  'short' | 'long' | 'flags' | 'description' | 'required' | 'optional' | 'argChoices'
>;

const help: Described = {
  short: '-h',
  long: '--help',
  flags: '-h, --help',
  description: 'display help for command',
  required: false,
  optional: false,
};

const optionWords = (option: Described): OptionWords => ({
  names: [option.short, option.long].filter((name) => name !== undefined),
  description: option.description,
  values:
    option.required || option.optional
      ? valuesOf(/[<[](.+)[\]>]/.exec(option.flags)?.[1] ?? '', option)
      : null,
});

/** What the word that stands for a value in the help says about it. */
const pathWords: Readonly<Record<string, Values['paths']>> = {
  model: 'files',
  network: 'files',
  super: 'files',
  file: 'files',
  folder: 'folders',
  directory: 'folders',
  dataset: 'folders',
};

const valuesOf = (word: string, { argChoices }: Pick<Argument | Option, 'argChoices'>): Values => ({
  names: argChoices ?? [],
  paths: pathWords[word] ?? null,
});

const merged = (all: readonly Values[]): Values => ({
  names: all.flatMap(({ names }) => names),
  paths: all.find(({ paths }) => paths !== null)?.paths ?? null,
});
