// Does a long run grow? Ten thousand steps of the trainer on a small network, its groups erased on the way;
// after each the memory that is resident. What counts is how much the last tenth has more than the fifth, the first
// whole one after the program was rebuilt.

import { buildModel } from '../lib/models/index.js';
import { resolveOptions } from '../lib/train/options.js';
import { Trainer } from '../lib/train/trainer.js';
import { median } from './measure.js';
import { noise } from './noise.js';
import type { BenchContext, Benchmark, Result } from './report.js';

const NAME = 'soak/stackedunets';
const STEPS = 10_000;
const BATCH = 4;
const shape = [1, 16, 16] as const;

/** The program is rebuilt in the fourth. */
const TENTHS = 10;

export const soak: Benchmark = {
  names: [NAME],
  leastSteps: TENTHS,
  async *run(context) {
    if (context.selected(NAME)) yield await benchGrowth(context);
  },
};

async function benchGrowth(context: BenchContext): Promise<Result> {
  const steps = context.steps ?? (context.short ? 50 : STEPS);
  const resident = await residentAfterSteps(steps, context.threads);
  const tenths = Array.from({ length: TENTHS }, (_, tenth) =>
    median(resident.slice((tenth * steps) / TENTHS, ((tenth + 1) * steps) / TENTHS)),
  );
  const details = tenths.map((bytes, tenth) => [`tenth ${tenth + 1}`, bytes / 1e6] as const);
  const [rebuilt, last] = [tenths[4], tenths.at(-1)] as [number, number];
  return { name: NAME, unit: 'MB', ours: (last - rebuilt) / 1e6, details: Object.fromEntries(details) };
}

/** Bytes resident after each step. */
async function residentAfterSteps(steps: number, threads: number): Promise<readonly number[]> {
  const model = buildModel('stackedunets', { input: shape, classes: 10, width: 8 });
  const dataset = noise(shape, { train: 100 * BATCH, test: BATCH });
  const target = { kind: 'count', count: 4 } as const;
  const options = resolveOptions(dataset, { target, steps, batch: BATCH, learningRate: 0.01, threads });
  const trainer = await Trainer.open(model, dataset, options);
  const resident: number[] = [];
  try {
    for await (const event of trainer.run()) {
      if (event.kind === 'step') resident.push(process.memoryUsage.rss());
    }
  } finally {
    trainer.dispose();
  }
  return resident;
}
