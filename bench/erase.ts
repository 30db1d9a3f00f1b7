// What does a run that erases cost, against training its super-network for as many steps? Both are
// whole runs of the trainer (batches, compilation, selection, rebuilding, measuring on the test split) on
// made-up images of the network's size, and take their steps by turns. What a search does when training is over is left
// out: constructing the sub-network, holding it against the super-network, and writing both, which a run without a
// target does not do and which takes the same time however long the run was.

import type { Target } from '../lib/index.js';
import { buildModel } from '../lib/models/index.js';
import { costOf } from '../lib/train/cost.js';
import { resolveOptions, type SearchOptions } from '../lib/train/options.js';
import type { Progress } from '../lib/train/progress.js';
import { Trainer } from '../lib/train/trainer.js';
import { median } from './measure.js';
import { noise } from './noise.js';
import type { BenchContext, Benchmark, Result } from './report.js';

interface Subject {
  readonly model: string;
  readonly batch: number;
  readonly steps: number;
  readonly options: SearchOptions & { readonly target: Target };
}

/** Losses of hundreds of groups are worth their time in long runs only, so DARTS is judged by a score. */
const subjects: readonly Subject[] = [
  {
    model: 'stackedunets',
    batch: 64,
    steps: 240,
    options: { target: { kind: 'count', count: 4 }, learningRate: 0.02 },
  },
  {
    model: 'darts-8',
    batch: 16,
    steps: 120,
    options: { target: { kind: 'fraction', fraction: 0.7 }, score: 'paper', learningRate: 0.01 },
  },
];

export const erase: Benchmark = {
  names: subjects.map(({ model }) => `erase/${model}`),
  // One of warm-up, one in the window, and some after it.
  leastSteps: 6,
  async *run(context) {
    for (const subject of subjects) {
      if (context.selected(`erase/${subject.model}`)) yield await benchSubject(subject, context);
    }
  },
};

async function benchSubject(subject: Subject, context: BenchContext): Promise<Result> {
  const [whole, erasing] = await byTurns([
    timedRun(subject, {}, context),
    timedRun(subject, subject.options, context),
  ]);
  const cost = costOf(buildModel(subject.model));
  const erasure = erasing.events.find((event) => event.kind === 'erasure');
  return {
    name: `erase/${subject.model}`,
    unit: 's',
    ours: erasing.seconds,
    details: {
      'super-network s': whole.seconds,
      'cost %': (100 * erasing.seconds) / whole.seconds,
      'MACs left %': (100 * (erasure?.macs ?? NaN)) / cost.macs,
      'super-network images/s': speedIn(whole, 'plain'),
      'warm-up images/s': speedIn(erasing, 'warm-up'),
      'window images/s': speedIn(erasing, 'window'),
      'frozen images/s': speedIn(erasing, 'frozen'),
    },
  };
}

/** A run so far. */
interface Run {
  seconds: number;
  readonly events: Progress[];
}

/** Trains to the end; gives the run after every event, with the time that it has taken by itself. */
async function* timedRun(
  { model, batch, steps }: Subject,
  options: SearchOptions,
  context: BenchContext,
): AsyncGenerator<Run, Run> {
  const graph = buildModel(model);
  const size = context.short ? 2 : batch;
  const [, channels = 0, height = 0, width = 0] = graph.inputs[0]?.type.shape ?? [];
  const dataset = noise([channels, height, width], { train: 20 * size, test: 2 * size });
  const run: Run = { seconds: 0, events: [] };
  const clocked = async <T>(work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    run.seconds += (performance.now() - start) / 1000;
    return result;
  };
  const settings = resolveOptions(dataset, {
    ...options,
    batch: size,
    steps: context.steps ?? (context.short ? 6 : steps),
    threads: context.threads,
  });
  const trainer = await clocked(() => Trainer.open(graph, dataset, settings));
  try {
    const progress = trainer.run();
    for (;;) {
      const { done, value } = await clocked(() => progress.next());
      if (done) return run;
      run.events.push(value);
      yield run;
    }
  } finally {
    trainer.dispose();
  }
}

/** Both to their ends, an event of one and an event of the other. */
async function byTurns(
  runs: readonly [AsyncGenerator<Run, Run>, AsyncGenerator<Run, Run>],
): Promise<readonly [Run, Run]> {
  let [left, right] = [await runs[0].next(), await runs[1].next()];
  while (!left.done || !right.done) {
    if (!left.done) left = await runs[0].next();
    if (!right.done) right = await runs[1].next();
  }
  return [left.value, right.value];
}

/** Median over the steps of a phase. */
const speedIn = ({ events }: Run, phase: string): number =>
  median(
    events
      .filter((event) => event.kind === 'step')
      .filter((event) => event.phase === phase)
      .map((event) => event.imagesPerSecond),
  );
