// Is this checkout faster than another? Runs the same benchmarks in both by turns, so that a noisy machine is noisy for
// both, and prints the median of each over all rounds. PyTorch stays out of it.
//
//   npm run bench:turns -- DIR --only PATTERN [--rounds N] [--threads N]
//
// DIR is the other checkout; both are set up (`npm run setup`), and one whose `command/` and `inspect/` do not build what they
// time has been built (`npm run build:ts`).

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from './measure.js';
import { parseOptions, positive, refuse } from './options.js';

const usage = 'npm run bench:turns -- DIR --only PATTERN [--rounds N] [--threads N]';
const { values, positionals } = parseOptions(usage, {
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string' },
  },
  allowPositionals: true,
});
const { only = refuse(usage), threads } = values;
const [other = refuse(usage), ...more] = positionals;
if (more.length > 0) refuse(`expected one directory, got '${positionals.join("', '")}'\n${usage}`);
const rounds = positive('rounds', values.rounds);

/** Figures by benchmark, one for each round. */
type Figures = Map<string, number[]>;

interface Side {
  readonly name: string;
  readonly root: string;
  readonly figures: Figures;
}

const side = (name: string, root: string): Side => {
  if (!existsSync(join(root, 'bench/main.ts'))) refuse(`${root} has no bench/main.ts: it is no checkout`);
  return { name, root, figures: new Map() };
};

const before = side('before', other);
const now = side('now', fileURLToPath(new URL('..', import.meta.url)));

for (let round = 0; round < rounds; round += 1) {
  // Who goes first changes from round to round.
  const order = round % 2 === 0 ? [before, now] : [now, before];
  for (const { name, root, figures } of order) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${name}\n`);
    for (const [benchmark, figure] of await runOnce(root)) {
      figures.set(benchmark, [...(figures.get(benchmark) ?? []), figure]);
    }
  }
}

for (const benchmark of new Set([...before.figures.keys(), ...now.figures.keys()])) {
  const [was, is] = [before, now].map(({ figures }) => figures.get(benchmark));
  process.stdout.write(`${benchmark.padEnd(28)} ${compared(was, is)}\n`);
}

/** A benchmark that only one side has is named with what it says there; figures that may be zero have no ratio. */
function compared(was: readonly number[] | undefined, is: readonly number[] | undefined): string {
  const columns = Object.entries({ before: was, now: is }).map(
    ([side, figures]) => `${side} ${figures ? median(figures).toFixed(2) : 'has none'}`,
  );
  const [left, right] = [median(was ?? [0]), median(is ?? [0])];
  return [...columns, ...(left > 0 && right > 0 ? [`${(left / right).toFixed(2)}x`] : [])].join('  ');
}

/** What the benchmarks of a checkout say, in milliseconds unless their names have another unit. */
async function runOnce(root: string): Promise<ReadonlyMap<string, number>> {
  const options = ['--json', '--only', only, ...(threads === undefined ? [] : ['--threads', threads])];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/main.ts', ...options],
    { cwd: root, env: { ...process.env, HALFSPACE_PYTHON: '' }, maxBuffer: 2 ** 26 },
  ).catch((error: Error & { readonly stderr?: string }) =>
    refuse(`in ${root}: ${(error.stderr ?? error.message).trim()}`),
  );
  const { results } = JSON.parse(stdout) as { results: readonly Readonly<Record<string, unknown>>[] };
  return new Map(results.map((result) => [String(result['name']), ownFigure(result)]));
}

/** `ours_ms`, or whatever the unit is. */
function ownFigure(result: Readonly<Record<string, unknown>>): number {
  const key = Object.keys(result).find((name) => name.startsWith('ours_'));
  return Number(result[key ?? '']);
}
