// How long does the command line take until it has something to show? Timed on the built package (`npm run
// build:ts` first), from the start of the process: to its end, or to the first training step. Node that runs
// nothing takes its turns among them, since its start is part of every other: on a slow machine, most of help.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { measure, timed } from './measure.js';
import type { BenchContext, Result } from './report.js';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

interface Command {
  readonly name: string;
  /** Arguments of Node. */
  readonly args: readonly string[];
  /** What it writes when the clock stops; its end where there is none. */
  readonly until?: RegExp;
}

/** Of a network whose step takes seconds by itself, few images are trained on. */
const firstStep = (model: string, ...more: readonly string[]): Command => ({
  name: `first-step-${model}`,
  args: [main, 'train', model, '--data', 'sample', '--sparsity', '0.5', '--score', 'paper', ...more],
  until: /images\/s/,
});

const commands: readonly Command[] = [
  { name: 'node', args: ['-e', '0'] },
  { name: 'help', args: [main, '--help'] },
  { name: 'inspect-darts-14', args: [main, 'inspect', 'darts-14'] },
  firstStep('stackedunets'),
  firstStep('darts-8', '--batch', '2'),
  firstStep('darts-14', '--batch', '2'),
];

export async function* benchCommand(context: BenchContext): AsyncGenerator<Result> {
  const chosen = commands.filter(({ name }) => context.selected(`command/${name}`));
  if (chosen.length > 0 && !existsSync(main))
    throw new Error(`${main} is missing: run npm run build:ts first`);
  const contenders = chosen.map((command) => timed(`command/${command.name}`, () => run(command)));
  const times = await measure(contenders, context.timing);
  yield* times.map(({ name, median, fastest }) => ({ name, ours: median, details: { fastest } }));
}

/** Resolves when the clock stops; rejects where the command failed before. */
function run({ args, until }: Command): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      if (!until?.test(text)) return;
      resolve();
      child.kill('SIGKILL');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 && !until ? resolve() : reject(new Error(text))));
  });
}
