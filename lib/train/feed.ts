// The order in which a run sees its training images: epoch after epoch, from any step on. Position
// arithmetic lives here, so that nobody else divides steps by epochs.

import { batchCount, batches, type Batch, type BatchOptions } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { HalfspaceError } from '../errors.js';

/** What a run feeds on; everything but the position. */
export interface FeedOptions extends Pick<
  BatchOptions,
  'batch' | 'seed' | 'augment' | 'mix' | 'skipCorrupt'
> {
  readonly dataset: Dataset;
}

/** Steps of one epoch; the short rest of an epoch is left out, since batch statistics would suffer. */
export function stepsPerEpoch(dataset: Dataset, batch: number): number {
  const steps = batchCount(dataset.train.length, batch, true);
  if (steps > 0) return steps;
  throw new HalfspaceError(
    'ERR_OPTION',
    `batch: expected at most ${dataset.train.length}, the training images of '${dataset.name}', got ${batch}`,
  );
}

/** The batches of steps `start`, `start + 1`, ... `steps - 1`; each is good until the next but one is asked for. */
export async function* feed(options: FeedOptions, start: number, steps: number): AsyncGenerator<Batch> {
  const perEpoch = stepsPerEpoch(options.dataset, options.batch);
  for (let step = start; step < steps;) {
    const epoch = Math.floor(step / perEpoch);
    for await (const batch of pass(options, epoch, { start: step % perEpoch, recycle: true })) {
      yield batch;
      step += 1;
      if (step === steps) return;
    }
  }
}

/** The first batches of a pass that training itself never sees, for measuring; not mixed. */
export async function probeBatches(options: FeedOptions, epoch: number, count: number): Promise<Batch[]> {
  const { mix: _, ...plain } = options;
  const probes: Batch[] = [];
  if (count === 0) return probes;
  for await (const batch of pass(plain, epoch, {})) {
    probes.push(batch);
    if (probes.length === count) break;
  }
  return probes;
}

const pass = (
  { dataset, ...options }: FeedOptions,
  epoch: number,
  more: Pick<BatchOptions, 'start' | 'recycle'>,
): AsyncGenerator<Batch> =>
  batches(dataset.train, {
    ...options,
    ...more,
    epoch,
    shuffle: true,
    dropLast: true,
    normalize: dataset,
  });

/** How the test split is gone through. */
export interface TestOptions {
  readonly batch: number;
  /** Told of each image that cannot be decoded and is left out; null makes it an error. */
  readonly skipCorrupt: ((error: HalfspaceError) => void) | null;
}

/** The whole test split in order, the last batch filled up with empty rows; each is good as long as those of `feed`. */
export const testBatches = (dataset: Dataset, { batch, skipCorrupt }: TestOptions): AsyncGenerator<Batch> =>
  batches(dataset.test, {
    batch,
    ...(skipCorrupt && { skipCorrupt }),
    seed: 0,
    epoch: 0,
    shuffle: false,
    augment: dataset.augment.test,
    normalize: dataset,
    dropLast: false,
    recycle: true,
  });
