// Runs the benchmarks and prints a line for each as it ends, or one JSON document with `--json`.
//
//   npm run bench -- [--only PATTERN] [--threads N] [--steps N] [--precision NAME] [--short]
//   npm run -s bench -- --json     (with -s npm prints nothing of its own)
//
// Those that take minutes, or need more than this checkout, run only where `--only` names them.

import { precisionNames } from '../lib/train/device-names.js';
import { native } from '../lib/train/native.js';
import { analysis } from './analysis.js';
import { ceiling } from './ceiling.js';
import { command } from './command.js';
import { compile } from './compile.js';
import { data } from './data.js';
import { erase } from './erase.js';
import { gpu } from './gpu.js';
import { halfSpace } from './half-space.js';
import { memory } from './memory.js';
import { tiny } from './networks.js';
import { oneOf, parseOptions, positive, refuse } from './options.js';
import { findPyTorch, type PyTorch } from './peer.js';
import {
  describeMachine,
  formatMachine,
  formatMean,
  formatResult,
  jsonReport,
  meanRatio,
  type BenchContext,
  type Benchmark,
  type Result,
} from './report.js';
import { soak } from './soak.js';
import { steps } from './step.js';
import { Training } from './training.js';

const quick: readonly Benchmark[] = [steps, ceiling, compile, halfSpace, gpu, analysis, data];
const long: readonly Benchmark[] = [erase, soak, memory, command];

const namesOf = (benchmarks: readonly Benchmark[]): string =>
  benchmarks
    .flatMap(({ names }) => names)
    .map((name) => `  ${name}`)
    .join('\n');
const listed = `benchmarks:\n${namesOf(quick)}\nwhere --only names them:\n${namesOf(long)}`;

const usage = [
  'npm run bench -- [--only PATTERN] [--threads N] [--steps N] [--precision NAME] [--short] [--json]',
  '  --only PATTERN    those whose names contain it',
  '  --threads N       of both sides; by default as many as the engine takes',
  '  --steps N         training steps of erase/ and soak/',
  `  --precision NAME  of step/, on both sides: ${precisionNames.join(', ')}, as far as the processor has it`,
  '  --short           checks only that everything runs',
  '  --json            one document: npm run -s bench -- --json',
].join('\n');
const { values } = parseOptions(
  usage,
  {
    options: {
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      threads: { type: 'string' },
      steps: { type: 'string' },
      precision: { type: 'string' },
    },
  },
  listed,
);

const selected = (name: string): boolean => name.includes(values.only);
const chosen = (values.only === '' ? quick : [...quick, ...long]).filter(
  ({ names }) => names.some(selected) || names.some((name) => values.only.startsWith(`${name}/`)),
);
if (chosen.length === 0) refuse(`no benchmark is named like '${values.only}'\n${listed}`);

const skipped: string[] = [];
const pytorch = peer();
const context: BenchContext = {
  threads: values.threads === undefined ? native().cores() : positive('threads', values.threads),
  precision: values.precision === undefined ? null : oneOf('precision', precisionNames, values.precision),
  python: pytorch?.python ?? null,
  timing: values.short ? { rounds: 1, repetitions: 1, warmup: 1 } : { rounds: 5, repetitions: 4, warmup: 3 },
  steps: values.steps === undefined ? null : positive('steps', values.steps),
  short: values.short,
  selected,
  skip(name, reason) {
    skipped.push(name);
    process.stderr.write(`${name}: skipped; ${reason}\n`);
  },
};
checkSteps(context);
await checkPrecision(context);

const machine = describeMachine(context, pytorch?.version ?? null);
process.stderr.write(`${formatMachine(machine)}\n`);
const results: Result[] = [];
for (const benchmark of chosen) await runOne(benchmark);
const mean = meanRatio(results);
if (values.json) process.stdout.write(`${JSON.stringify(jsonReport(machine, results), null, 2)}\n`);
else if (mean !== null) process.stdout.write(`${formatMean(mean)}\n`);
if (results.length + skipped.length === 0 && process.exitCode === undefined)
  refuse(`no benchmark named like '${values.only}' runs ${values.short ? 'shortly' : 'here'}`);

/** What fails is told in a line and ends the command with an error, after the others. */
async function runOne(benchmark: Benchmark): Promise<void> {
  try {
    for await (const result of benchmark.run(context)) {
      results.push(result);
      if (!values.json) process.stdout.write(`${formatResult(result)}\n`);
    }
  } catch (error) {
    const reason = (error as Error).message.trim().replaceAll(/\s*\n\s*/g, ' | ');
    process.stderr.write(`${groupOf(benchmark)}: failed; ${reason}\n`);
    process.exitCode = 1;
  }
}

function peer(): PyTorch | null {
  try {
    return findPyTorch();
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function checkSteps({ steps: asked }: BenchContext): void {
  for (const benchmark of chosen) {
    const { leastSteps = 1 } = benchmark;
    if (asked !== null && asked < leastSteps)
      refuse(`--steps: ${groupOf(benchmark)} takes at least ${leastSteps}, got ${asked}`);
  }
}

/** The engine says what this processor cannot do. */
async function checkPrecision({ threads, precision }: BenchContext): Promise<void> {
  if (precision === null) return;
  const other = chosen.find((benchmark) => benchmark !== steps);
  if (other) refuse(`--precision: ${groupOf(other)} has no choice of it; add --only ${groupOf(steps)}`);
  try {
    (await Training.open(tiny(), 1, { threads, precision }))[Symbol.dispose]();
  } catch (error) {
    refuse(`--precision: ${(error as Error).message}`);
  }
}

/** `step/` of `step/resnet-18`. */
function groupOf({ names: [first = ''] }: Benchmark): string {
  return first.slice(0, first.indexOf('/') + 1);
}
