// What share of the machine's measured ceiling does a training step reach, and where does the rest go?
//
// The ceiling is measured here: a product of large matrices for arithmetic, a copy far above the caches for
// memory. No step can be faster than its floating point operations at the one rate or its bytes at the
// other, except where operands stay in a cache; the sum over all steps is the bound of the network.

import { Session } from '../lib/train/session.js';
import { measure, median, timed, type MeasureOptions } from './measure.js';
import { subjects, type Subject } from './networks.js';
import { programOf } from './programs.js';
import type { BenchContext, Result } from './report.js';
import { Training } from './training.js';
import { workOf, type Work } from './work.js';

/** What the machine can do a millisecond. */
interface Ceiling {
  readonly flops: number;
  readonly bytes: number;
}

export async function* benchCeiling(context: BenchContext): AsyncGenerator<Result> {
  const chosen = subjects.filter(({ name }) => context.selected(`ceiling/${name}`));
  if (chosen.length === 0) return;
  const ceiling = await measureCeiling(context);
  yield {
    name: 'ceiling/machine',
    ours: 0,
    details: { 'GFLOP/s': ceiling.flops / 1e6, 'GB/s': ceiling.bytes / 1e6 },
  };
  for (const subject of chosen) yield* await benchSubject(subject, ceiling, context);
}

async function measureCeiling({ threads, timing, short }: BenchContext): Promise<Ceiling> {
  const [side, length] = short ? [256, 1 << 20] : [2048, 1 << 25];
  const square = [side, side];
  const product = { kernel: 'matmul', inputs: [square, square], output: square, attrs: {} };
  const copy = { kernel: 'sum', inputs: [[length]], output: [length], attrs: {} };
  const time = async (call: Parameters<typeof programOf>[0]): Promise<number> => {
    using session = await Session.open(programOf(call), { threads });
    const [own] = await measure([timed(call.kernel, () => session.run(call.kernel))], timing);
    return own?.fastest ?? NaN;
  };
  return { flops: (2 * side ** 3) / (await time(product)), bytes: (8 * length) / (await time(copy)) };
}

/** One line for the network, and one for each kernel that takes more than a hundredth of its step. */
async function benchSubject(
  subject: Subject,
  ceiling: Ceiling,
  context: BenchContext,
): Promise<readonly Result[]> {
  const { threads, timing, short } = context;
  using training = await Training.open(subject.build(), short ? 2 : subject.batch, { threads, trace: true });
  const times = await kernelTimes(training, timing);
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const steps = workOf(training.program, 'train');
  const name = `ceiling/${subject.name}`;
  const costliest = [...times].filter(([, time]) => time > total / 100).toSorted(([, a], [, b]) => b - a);
  return [
    shareOf(name, total, steps, ceiling),
    ...costliest.map(([kernel, time]) =>
      shareOf(
        `${name}/${kernel}`,
        time,
        steps.filter((step) => step.kernel === kernel),
        ceiling,
      ),
    ),
  ];
}

/**
 * Kernels that the device puts in the place of a program's, by what they do most of. A sum that normalises its terms
 * has its time under sums, and a depthwise gradient that starts from another image under convolutions.
 */
const partOf: Readonly<Record<string, string>> = {
  batch_norm_moments: 'batch_norm',
  batch_norm_statistics: 'batch_norm',
  batch_norm_apply: 'batch_norm',
  batch_norm_backward_parameters: 'batch_norm_backward',
  batch_norm_backward_image: 'batch_norm_backward',
  normalized_sum: 'sum',
};

/** Milliseconds since the session opened, by kernel of the program. */
function spent(training: Training): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const [kernel, { milliseconds }] of Object.entries(training.session.describe().kernels)) {
    const name = partOf[kernel] ?? kernel;
    times.set(name, (times.get(name) ?? 0) + milliseconds);
  }
  return times;
}

/** Median milliseconds that each kernel takes in a step. */
async function kernelTimes(
  training: Training,
  { warmup, rounds, repetitions }: MeasureOptions,
): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number[]>();
  for (let step = 0; step < warmup + rounds * repetitions; step += 1) {
    const before = spent(training);
    await training.step();
    if (step < warmup) continue;
    for (const [kernel, milliseconds] of spent(training)) {
      const list = times.get(kernel) ?? [];
      times.set(kernel, list);
      list.push(milliseconds - (before.get(kernel) ?? 0));
    }
  }
  return new Map([...times].map(([kernel, list]) => [kernel, median(list)]));
}

function shareOf(name: string, ours: number, steps: readonly Work[], ceiling: Ceiling): Result {
  const sum = (measure: (work: Work) => number): number =>
    steps.reduce((total, step) => total + measure(step), 0);
  const bound = sum(({ flops, bytes }) => Math.max(flops / ceiling.flops, bytes / ceiling.bytes));
  return {
    name,
    ours,
    details: {
      GFLOP: sum(({ flops }) => flops) / 1e9,
      GB: sum(({ bytes }) => bytes) / 1e9,
      'bound ms': bound,
      'share %': (100 * bound) / ours,
    },
  };
}
