// How long does the command line take until it has something to show? Timed on the built package, from the start of
// the process: to its end, or to the first training step. Node that runs nothing takes its turns among them, since its
// start is part of every other: on a slow machine, most of help.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCommand } from './built.js';
import { measure, type Contender } from './measure.js';
import type { Benchmark } from './report.js';

interface Command {
  readonly name: string;
  /** As it is typed: a program's name and its arguments. */
  readonly line: string;
  /** What it writes when the clock stops; its end where there is none. */
  readonly until?: RegExp;
}

/** All as it is by default but for a target, and for few images a step of a network whose step takes seconds by itself. */
const firstStep = (model: string, more = ''): Command => ({
  name: `command/first-step-${model}`,
  line: `halfspace train ${model} --data sample --sparsity 0.5${more}`,
  until: /images\/s/,
});

const commands: readonly Command[] = [
  { name: 'command/node', line: 'node -e 0' },
  { name: 'command/help', line: 'halfspace --help' },
  { name: 'command/inspect-darts-14', line: 'halfspace inspect darts-14' },
  firstStep('stackedunets'),
  firstStep('darts-8', ' --batch 2'),
  firstStep('darts-14', ' --batch 2'),
];

const isOurs = ({ line }: Command): boolean => line.startsWith('halfspace ');

export const command: Benchmark = {
  names: commands.map(({ name }) => name),
  async *run(context) {
    const chosen = commands.filter(({ name }) => context.selected(name));
    if (chosen.length === 0) return;
    const main = chosen.some(isOurs) ? builtCommand() : '';
    const folder = mkdtempSync(join(tmpdir(), 'halfspace-bench-'));
    try {
      const contenders = chosen.map((each) => contender(each, main, folder));
      const times = await measure(contenders, context.timing);
      yield* times.map(({ name, median, fastest }, index) => {
        return { name, ours: median, details: { fastest }, command: chosen[index]?.line ?? '' };
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** Runs are made in `folder`; each has ended altogether before the next begins. */
const contender = (command: Command, main: string, folder: string): Contender => ({
  name: command.name,
  async run(count) {
    const times: number[] = [];
    for (let i = 0; i < count; i += 1) times.push(await timeOnce(command, main, folder));
    return times;
  },
});

/** Milliseconds until the clock stops; rejects where the command failed before. */
function timeOnce(command: Command, main: string, folder: string): Promise<number> {
  const { line, until } = command;
  const given = line.split(' ').slice(1);
  const args = isOurs(command) ? [main, ...given] : given;
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, shown] = ['', NaN];
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      if (!Number.isNaN(shown) || !until?.test(text)) return;
      shown = performance.now() - start;
      child.kill('SIGKILL');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0 && !until) shown = performance.now() - start;
    });
    child.on('close', () => (Number.isNaN(shown) ? reject(new Error(text)) : resolve(shown)));
  });
}
