// Run by onnx-fuzz.test.ts, in a process of little memory: reads files with something wrong in
// them; what can be read is searched, run once and compiled for training. Prints what became of them as JSON.
//
//     onnx-fuzz.ts FIRST COUNT FILE...      seeds FIRST to FIRST + COUNT - 1

import { readFileSync } from 'node:fs';
import { compileTraining } from '../lib/compile/training.js';
import { HalfspaceError } from '../lib/errors.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { random } from '../lib/random.js';
import { inspectDocument } from '../lib/search/inspect.js';
import { searchSpace } from '../lib/search/space.js';
import { initialWeights } from '../lib/weights.js';
import { mutated } from './onnx-mutations.js';
import { noise, runNative } from './onnx-tools.js';

export interface FuzzReport {
  /** How many files ended in each way: `read`, or the code of an error. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Seeds of those that ended otherwise, with what was thrown. */
  readonly failures: readonly string[];
  readonly slowest: { readonly seed: number; readonly milliseconds: number };
  /** The most memory that the process held, in MB. */
  readonly memory: number;
}

/** Everything that commands do with a network, up to one run of it. */
async function use(bytes: Uint8Array): Promise<void> {
  const graph = fromOnnx(bytes, { directory: import.meta.dirname });
  inspectDocument(searchSpace(graph), 'model');
  await runNative(graph, initialWeights(graph, 0), noise(graph, 1));
  compileTraining(graph, { batch: 2, rule: 'sgd', groups: [] });
}

/** How the file of a seed ends. */
async function outcome(seed: number, bytes: Uint8Array): Promise<string> {
  try {
    await use(mutated(bytes, random(seed)));
    return 'read';
  } catch (error) {
    const ours = error instanceof HalfspaceError && error.code !== 'ERR_INTERNAL';
    return ours ? error.code : `${seed}: ${(error as Error).stack}`;
  }
}

async function main([first, count, ...files]: readonly string[]): Promise<FuzzReport> {
  const models = files.map((file) => readFileSync(file));
  const outcomes: Record<string, number> = {};
  const failures: string[] = [];
  let slowest = { seed: -1, milliseconds: 0 };
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const start = performance.now();
    const end = await outcome(seed, models[seed % models.length] as Uint8Array);
    const milliseconds = performance.now() - start;
    if (milliseconds > slowest.milliseconds) slowest = { seed, milliseconds };
    if (/^\d/.test(end)) failures.push(end);
    else outcomes[end] = (outcomes[end] ?? 0) + 1;
  }
  return { outcomes, failures, slowest, memory: Math.round(process.resourceUsage().maxRSS / 1024) };
}

console.log(JSON.stringify(await main(process.argv.slice(2))));
