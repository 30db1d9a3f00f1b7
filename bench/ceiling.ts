// What share of the machine's measured ceiling does a training step reach, and where does the rest go?
//
// The ceiling is measured here: a product of large matrices for arithmetic, a copy far above the caches for
// memory. No step can be faster than its floating point operations at the one rate or its bytes at the
// other, except where operands stay in a cache; the sum over all steps is the bound of the network.

import { Session } from '../lib/train/session.js';
import { measure, median, timed, type MeasureOptions } from './measure.js';
import { subjects, type Subject } from './networks.js';
import { programOf } from './programs.js';
import type { BenchContext, Benchmark, Result } from './report.js';
import { Training } from './training.js';
import { workOf, type Work } from './work.js';

/** What the machine can do a millisecond. */
interface Ceiling {
  readonly flops: number;
  readonly bytes: number;
}

const nameOf = ({ name }: Subject): string => `ceiling/${name}`;

export const ceiling: Benchmark = {
  names: subjects.map(nameOf),
  async *run(context) {
    const chosen = subjects.filter((subject) => context.selected(nameOf(subject)));
    if (chosen.length === 0) return;
    const machine = await measureCeiling(context);
    yield* machine.results;
    for (const subject of chosen) yield* await benchSubject(subject, machine.ceiling, context);
  },
};

async function measureCeiling({
  threads,
  timing,
  short,
}: BenchContext): Promise<{ readonly ceiling: Ceiling; readonly results: readonly Result[] }> {
  const [side, length] = short ? [256, 1 << 20] : [2048, 1 << 25];
  const square = [side, side];
  const product = { kernel: 'matmul', inputs: [square, square], output: square, attrs: {} };
  const copy = { kernel: 'sum', inputs: [[length]], output: [length], attrs: {} };
  const time = async (call: Parameters<typeof programOf>[0]): Promise<number> => {
    using session = await Session.open(programOf(call), { threads });
    const [own] = await measure([timed(call.kernel, () => session.run(call.kernel))], timing);
    return own?.fastest ?? NaN;
  };
  const [productTime, copyTime] = [await time(product), await time(copy)];
  const found = { flops: (2 * side ** 3) / productTime, bytes: (8 * length) / copyTime };
  const results = [
    { name: 'ceiling/machine, product', ours: productTime, details: { 'GFLOP/s': found.flops / 1e6 } },
    { name: 'ceiling/machine, copy', ours: copyTime, details: { 'GB/s': found.bytes / 1e6 } },
  ];
  return { ceiling: found, results };
}

/** One line for the network, and one for each kernel that takes more than a hundredth of its step. */
async function benchSubject(
  subject: Subject,
  ceiling: Ceiling,
  context: BenchContext,
): Promise<readonly Result[]> {
  const { threads, timing, short } = context;
  const batch = short ? 2 : subject.batch;
  using training = await Training.open(subject.build(), batch, { threads, trace: true });
  const times = await kernelTimes(training, timing);
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const steps = workOf(training.program, 'train');
  const name = nameOf(subject);
  const planned = training.session.describe().entries.find((entry) => entry.name === 'train');
  const counts = { batch, 'program steps': steps.length, 'session steps': planned?.steps ?? NaN };
  const whole = shareOf(name, total, steps, ceiling);
  const costliest = [...times].filter(([, time]) => time > total / 100).toSorted(([, a], [, b]) => b - a);
  return [
    { ...whole, details: { ...counts, ...whole.details, 'operations a byte': intensityOf(steps) } },
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

/** Floating point operations for each byte. */
const intensityOf = (steps: readonly Work[]): number =>
  sum(steps, ({ flops }) => flops) / sum(steps, ({ bytes }) => bytes);

const sum = (steps: readonly Work[], measure: (work: Work) => number): number =>
  steps.reduce((total, step) => total + measure(step), 0);

function shareOf(name: string, ours: number, steps: readonly Work[], ceiling: Ceiling): Result {
  const bound = sum(steps, ({ flops, bytes }) => Math.max(flops / ceiling.flops, bytes / ceiling.bytes));
  return {
    name,
    ours,
    details: {
      GFLOP: sum(steps, ({ flops }) => flops) / 1e9,
      GB: sum(steps, ({ bytes }) => bytes) / 1e9,
      'bound ms': bound,
      'share %': (100 * bound) / ours,
    },
  };
}
