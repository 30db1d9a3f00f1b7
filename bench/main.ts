// Runs the benchmarks and prints a line for each as it ends, or one JSON document with `--json`.
//
//   npm run bench -- [--only PATTERN] [--threads N] [--steps N] [--short] [--json]
//
// Those that take minutes, or need more than this checkout, run only where `--only` names them.

import { availableParallelism } from 'node:os';
import { benchAnalysis } from './analysis.js';
import { benchCeiling } from './ceiling.js';
import { benchCommand } from './command.js';
import { benchCompile } from './compile.js';
import { benchData } from './data.js';
import { benchErase } from './erase.js';
import { benchGpu } from './gpu.js';
import { benchHalfSpace } from './half-space.js';
import { benchMemory } from './memory.js';
import { parseOptions, positive, refuse } from './options.js';
import { findPython } from './peer.js';
import {
  describeMachine,
  formatMachine,
  formatResult,
  jsonReport,
  type BenchContext,
  type Result,
} from './report.js';
import { benchSoak } from './soak.js';
import { benchSteps } from './step.js';

const usage = 'npm run bench -- [--only PATTERN] [--threads N] [--steps N] [--short] [--json]';
const { values } = parseOptions(usage, {
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) },
    steps: { type: 'string' },
  },
});

const skipped: string[] = [];
const context: BenchContext = {
  threads: positive('threads', values.threads),
  python: findPython(),
  timing: values.short ? { rounds: 1, repetitions: 1, warmup: 1 } : { rounds: 5, repetitions: 4, warmup: 3 },
  steps: values.steps === undefined ? null : positive('steps', values.steps),
  short: values.short,
  selected: (name) => name.includes(values.only),
  skip(name, reason) {
    skipped.push(name);
    process.stderr.write(`${name}: skipped; ${reason}\n`);
  },
};

const quick = [benchSteps, benchCeiling, benchCompile, benchHalfSpace, benchGpu, benchAnalysis, benchData];
const long = [benchErase, benchSoak, benchMemory, benchCommand];

const results: Result[] = [];
const machine = describeMachine(context.threads, context.python);
process.stderr.write(`${formatMachine(machine)}\n`);
for (const bench of values.only === '' ? quick : [...quick, ...long]) {
  for await (const result of bench(context)) {
    results.push(result);
    if (!values.json) process.stdout.write(`${formatResult(result)}\n`);
  }
}
if (results.length + skipped.length === 0) refuse(`no benchmark is named like '${values.only}'`);
if (values.json) process.stdout.write(`${JSON.stringify(jsonReport(machine, results), null, 2)}\n`);
