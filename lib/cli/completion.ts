// `completion`: a script that teaches a shell what can be typed.

import type { CommandWords } from './completion-words.js';
import { addExamples } from './help.js';
import { addOutputOptions, openOutput, type OutputFlags } from './output.js';
import { Argument, type Command } from './packages.js';

type Script = (commands: readonly CommandWords[]) => string;

const scripts = {
  bash: async () => (await import('./completion-bash.js')).bashCompletion,
  zsh: async () => (await import('./completion-zsh.js')).zshCompletion,
  fish: async () => (await import('./completion-fish.js')).fishCompletion,
} as const satisfies Readonly<Record<string, () => Promise<Script>>>;

type Shell = keyof typeof scripts;

export function declareCompletion(command: Command): void {
  command
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(scripts)))
    .action(async (shell: Shell, flags: OutputFlags) => {
      const [write, { commandWords }, { buildProgram }] = await Promise.all([
        scripts[shell](),
        import('./completion-words.js'),
        import('./program.js'),
      ]);
      const script = write(commandWords(await buildProgram()));
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
