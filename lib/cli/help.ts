// What help shows beyond the options: examples, each with what it is for.

import type { Command, HelpConfiguration } from 'commander';
import { colors } from './colors.js';

/** Coloured always: commander strips the colours where there shall be none. */
export const helpStyle: HelpConfiguration = {
  styleTitle: colors.bold,
  styleCommandText: colors.cyan,
  styleSubcommandText: colors.cyan,
  styleOptionText: colors.cyan,
  styleArgumentText: colors.cyan,
  subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
  optionDescription: ({ defaultValue, defaultValueDescription, ...option }) => {
    // The default of `--no-x` is that there is x, which goes without saying.
    const usual = typeof defaultValue === 'boolean' ? undefined : (defaultValueDescription ?? defaultValue);
    return detailed(option.description, option.argChoices, usual === undefined ? [] : [`default: ${usual}`]);
  },
  argumentDescription: ({ description, argChoices }) => detailed(description, argChoices),
};

/** `what turns gradients into steps (sgd, adam, adamw; default: sgd)` */
function detailed(text: string, choices: readonly string[] = [], more: readonly string[] = []): string {
  const details = [...(choices.length > 0 ? [choices.join(', ')] : []), ...more];
  return details.length > 0 ? `${text} (${details.join('; ')})` : text;
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
