// Runs the benchmarks and prints one table, or one JSON document with `--json`.
//
//   npm run bench -- [--only PATTERN] [--threads N] [--short] [--json]

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { benchAnalysis } from './analysis.js';
import { benchData } from './data.js';
import { benchHalfSpace } from './half-space.js';
import { findPython } from './peer.js';
import { describeMachine, formatResult, jsonReport, type BenchContext, type Result } from './report.js';
import { benchSteps } from './step.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

if (!(Number(values.threads) >= 1))
  throw new Error(`--threads: expected a whole number, got '${values.threads}'`);

const context: BenchContext = {
  threads: Number(values.threads),
  python: findPython(),
  timing: values.short ? { rounds: 1, repetitions: 1, warmup: 1 } : { rounds: 5, repetitions: 4, warmup: 3 },
  short: values.short,
  selected: (name) => name.includes(values.only),
};

const results: Result[] = [];
process.stderr.write(`${describeMachine(context.threads, context.python !== null)}\n`);
for (const bench of [benchSteps, benchHalfSpace, benchAnalysis, benchData]) {
  const found = await bench(context);
  results.push(...found);
  if (!values.json) for (const result of found) process.stdout.write(`${formatResult(result)}\n`);
}
if (results.length === 0) throw new Error(`no benchmark is named like '${values.only}'`);
if (values.json) process.stdout.write(`${JSON.stringify(jsonReport(results), null, 2)}\n`);
