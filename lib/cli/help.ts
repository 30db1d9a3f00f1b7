// What help shows beyond the options: examples, each with what it is for.

import type { Command, HelpConfiguration, Option } from 'commander';
import { colors } from './colors.js';

/** Coloured always: commander strips the colours where there shall be none. */
export const helpStyle: HelpConfiguration = {
  styleTitle: colors.bold,
  styleCommandText: colors.cyan,
  styleSubcommandText: colors.cyan,
  styleOptionText: colors.cyan,
  styleArgumentText: colors.cyan,
  optionDescription: ({ defaultValue, ...option }) =>
    // The default of `--no-x` is that there is x, which goes without saying.
    typeof defaultValue === 'boolean' || defaultValue === undefined
      ? withNames(option)
      : `${withNames(option)}, ${defaultValue} by default`,
  argumentDescription: withNames,
};

/** `a data set, or a folder (sample, cifar10)` */
function withNames({ description, argChoices }: Pick<Option, 'description' | 'argChoices'>): string {
  return argChoices ? `${description} (${argChoices.join(', ')})` : description;
}

/** What to type, and what for. */
export type Example = readonly [command: string, purpose: string];

export const addExamples = (command: Command, ...examples: readonly Example[]): Command =>
  command.addHelpText(
    'after',
    ['', colors.bold(examples.length > 1 ? 'Examples:' : 'Example:'), ...examples.flatMap(describe)].join(
      '\n',
    ),
  );

const describe = ([command, purpose]: Example): readonly string[] => [
  `  ${colors.dim(`# ${purpose}`)}`,
  `  ${command}`,
];
