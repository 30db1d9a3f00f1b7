// Whole runs on the CUDA device beside the same runs on the CPU: the decisions are the same, and a run
// that was begun on one device goes on on the other.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { stackedUnets } from '../lib/models/stackedunets.js';
import type { SearchOptions } from '../lib/train/options.js';
import type { Progress } from '../lib/train/progress.js';
import { search, type SearchResult } from '../lib/train/search.js';
import { cudaTest } from './cuda-device.js';
import { tinyDataset } from './training-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-cuda-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const network = () => stackedUnets({ input: [1, 8, 8], classes: 3, width: 8 });

/** Two epochs of twelve steps; products with all 24 bits, as on the CPU. */
const short: SearchOptions = {
  target: { kind: 'count', count: 3 },
  epochs: 2,
  batch: 8,
  learningRate: 0.02,
  precision: 'fp32',
  threads: 2,
};

interface Run extends SearchResult {
  readonly losses: readonly number[];
}

async function run(options: SearchOptions): Promise<Run> {
  const losses: number[] = [];
  const onProgress = (event: Progress): void => {
    if (event.kind === 'step') losses.push(event.loss);
  };
  return { ...(await search(network(), tinyDataset, { ...short, ...options, onProgress })), losses };
}

/**
 * Each step differs by a few roundings of 6e-8, and what training makes of a difference grows from step to
 * step; a decision of its own, or one wrong gradient, would move a loss by a percent and more.
 */
const TOLERANCE = 1e-3;

function sameRuns(t: ExecutionContext, actual: Run, expected: Run, tolerance = TOLERANCE): void {
  t.true(actual.complete && expected.complete);
  t.deepEqual(actual.summary?.erased, expected.summary?.erased);
  t.is(actual.losses.length, expected.losses.length);
  actual.losses.forEach((loss, index) => {
    const difference = Math.abs(loss - (expected.losses[index] ?? NaN));
    t.true(difference <= tolerance, `the losses of step ${index + 1} differ by ${difference}`);
  });
}

for (const score of ['ablation', 'paper'] as const) {
  cudaTest(`StackedUnets loses the same segments as on the CPU, chosen by ${score}`, async (t, device) => {
    sameRuns(t, await run({ score, device }), await run({ score, device: 'cpu' }));
  });
}

/** Begins a run on one device, stops it in its middle, and ends it on the other. */
async function handOver(directory: string, from: SearchOptions, to: SearchOptions): Promise<Run> {
  const stop = new AbortController();
  const begun: number[] = [];
  const stopped = await search(network(), tinyDataset, {
    ...short,
    ...from,
    directory,
    stop: stop.signal,
    onProgress: (event) => {
      if (event.kind === 'step') begun.push(event.loss);
      if (event.step === 15) stop.abort();
    },
  });
  if (stopped.complete) throw new Error('the run was not stopped');
  const ended = await run({ ...to, directory, resume: true });
  return { ...ended, losses: [...begun, ...ended.losses] };
}

for (const begins of ['cpu', 'cuda'] as const) {
  cudaTest(
    `a run that begins on ${begins} ends on another device as if it had not moved`,
    async (t, device) => {
      const [from, to] = begins === 'cpu' ? (['cpu', device] as const) : ([device, 'cpu'] as const);
      const moved = await handOver(join(folder, begins), { device: from }, { device: to });
      sameRuns(t, moved, await run({ device: 'cpu' }));
    },
  );
}

/**
 * Images and products carry 2^-9 of rounding, which forward and backward passes of a dozen layers and the
 * steps before a loss add up as their root: about 2^-9 sqrt(24 * 12), some 3 %, of losses about 1.
 */
const BF16_TOLERANCE = 0.06;

const scored = { ...short, score: 'ablation' } as const;

cudaTest('StackedUnets loses the same segments in bf16 as in fp32 on the CPU', async (t, device) => {
  const actual = await run({ ...scored, device, precision: 'bf16' });
  sameRuns(t, actual, await run({ ...scored, device: 'cpu' }), BF16_TOLERANCE);
});

cudaTest('a run goes on in fp32 where it was begun in bf16', async (t, device) => {
  const moved = await handOver(join(folder, 'bf16'), { device, precision: 'bf16' }, { device: 'cpu' });
  sameRuns(t, moved, await run({ device: 'cpu' }), BF16_TOLERANCE);
});

cudaTest('a run with TF32, the default on a GPU, ends with a verified sub-network', async (t, device) => {
  const { precision: _all, ...given } = short;
  const { complete, summary } = await search(network(), tinyDataset, { ...given, device });
  t.true(complete);
  t.is(summary?.erased.length, 3);
});
