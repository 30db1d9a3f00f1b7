// `completion`: a script that teaches a shell what can be typed.

import { Argument, type Command } from 'commander';
import { bashCompletion } from './completion-bash.js';
import { fishCompletion } from './completion-fish.js';
import { commandWords, type CommandWords } from './completion-words.js';
import { zshCompletion } from './completion-zsh.js';
import { addExamples } from './help.js';
import { addOutputOptions, openOutput, type OutputFlags } from './output.js';

const scripts = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const satisfies Readonly<Record<string, (commands: readonly CommandWords[]) => string>>;

type Shell = keyof typeof scripts;

export function addCompletionCommand(program: Command): void {
  const command = program
    .command('completion')
    .description('Print a script that lets a shell complete commands, options and names.')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(scripts)))
    .action((shell: Shell, flags: OutputFlags) => {
      const script = scripts[shell](commandWords(program));
      openOutput(flags).result({ shell, script }, () => script);
    });
  addOutputOptions(command);
  addExamples(
    command,
    ['source <(halfspace completion bash)', 'a line for ~/.bashrc'],
    ['source <(halfspace completion zsh)', 'a line for ~/.zshrc, after compinit'],
    ['halfspace completion fish > ~/.config/fish/completions/halfspace.fish', 'once'],
  );
}
