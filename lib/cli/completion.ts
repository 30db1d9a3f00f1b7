// `completion`: a script that teaches a shell what can be typed.

import { Argument, type Command } from 'commander';
import type { CommandWords } from './completion-words.js';
import { addExamples } from './help.js';
import { addOutputOptions, openOutput, type OutputFlags } from './output.js';

type Script = (commands: readonly CommandWords[]) => string;

const scripts = {
  bash: async () => (await import('./completion-bash.js')).bashCompletion,
  zsh: async () => (await import('./completion-zsh.js')).zshCompletion,
  fish: async () => (await import('./completion-fish.js')).fishCompletion,
} as const satisfies Readonly<Record<string, () => Promise<Script>>>;

type Shell = keyof typeof scripts;

export function addCompletionCommand(program: Command): void {
  const command = program
    .command('completion')
    .description('Print a script that lets a shell complete commands, options and names.')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(scripts)))
    .action(async (shell: Shell, flags: OutputFlags) => {
      const [write, { commandWords }] = await Promise.all([
        scripts[shell](),
        import('./completion-words.js'),
      ]);
      const script = write(commandWords(program));
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
