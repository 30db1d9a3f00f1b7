// The input pipeline: from a split to normalised float batches, in an order and with augmentations
// that are functions of (seed, epoch, index) alone. The event loop stays free: work is done
// in turns, and images in files are decoded on other threads while a batch is being used.

import { HalfspaceError } from '../errors.js';
import { elements } from '../shape.js';
import { permutation, random } from '../random.js';
import type { Augmentation } from './augment.js';
import type { Normalization, Split } from './dataset.js';
import { mixed, type Mix } from './mix.js';
import { pipeline, type Pipeline } from './pipeline.js';
import { turns } from './turns.js';

/** Images under way at the same time: enough to feed every thread that decodes files. */
const LANES = 16;

/** Images and labels of one step. */
export interface Batch {
  /** [N, C, H, W], normalised; rows without an image are zero. */
  readonly images: Float32Array;
  /** [N]; -1 where there is no image: the tail of a short last batch, a corrupt file. */
  readonly labels: Int32Array;
  /** Rows that hold an image. */
  readonly count: number;
  /** [N, classes], rows sum to 1: what `mix` made of the labels; absent without it. */
  readonly targets?: Float32Array;
}

/** What a pass over a split looks like. */
export interface BatchOptions {
  readonly batch: number;
  readonly seed: number;
  readonly epoch: number;
  readonly shuffle: boolean;
  readonly augment: readonly Augmentation[];
  readonly normalize: Normalization;
  /** Leave out a last batch that would be short; else it is filled up with empty rows. */
  readonly dropLast: boolean;
  /** First batch to hand out, to go on where a run was stopped. */
  readonly start?: number;
  /** Mixes images of a batch with one another. */
  readonly mix?: Mix;
  /**
   * Use the memory of a batch's images again, three batches later: for who is done with a batch before asking
   * for the next but one. Fresh memory costs as much as a quarter of decoding a file.
   */
  readonly recycle?: boolean;
  /** Called for each file that cannot be decoded, which then is an empty row; without it, an error. */
  readonly skipCorrupt?: (error: HalfspaceError) => void;
}

/** One pass, settled: everything that is the same for all its batches. */
interface Pass {
  readonly split: Split;
  readonly options: BatchOptions;
  readonly order: Uint32Array;
  readonly pipeline: Pipeline;
  readonly turn: () => Promise<void>;
  /** Memory for the images of a batch by its number; what it holds is of no meaning. */
  readonly memory: (index: number) => Float32Array;
}

/** A batch in use, the next one, ready, and one in the making. */
const RING = 3;

/** Number of batches that a pass over `length` images has. */
export const batchCount = (length: number, batch: number, dropLast: boolean): number =>
  dropLast ? Math.floor(length / batch) : Math.ceil(length / batch);

/** One pass over a split, the next batch being made while one is in use. */
export async function* batches(split: Split, options: BatchOptions): AsyncGenerator<Batch, void, undefined> {
  const pass = planned(split, options);
  const count = batchCount(split.length, options.batch, options.dropLast);
  let next = options.start ?? 0;
  let upcoming = next < count ? begun(pass, next) : undefined;
  while (upcoming) {
    const batch = await upcoming;
    next += 1;
    upcoming = next < count ? begun(pass, next) : undefined;
    yield batch;
  }
}

function planned(split: Split, options: BatchOptions): Pass {
  if (!Number.isInteger(options.batch) || options.batch < 1) {
    throw new HalfspaceError('ERR_OPTION', `batch must be a whole number from 1, found ${options.batch}`);
  }
  const { shuffle, seed, epoch, augment, normalize } = options;
  const order = shuffle
    ? permutation(split.length, random(seed, epoch))
    : new Uint32Array(split.length).map((_, index) => index);
  const each = pipeline(split.shape, augment, normalize);
  const fresh = (): Float32Array => new Float32Array(options.batch * elements(each.shape));
  const memory = options.recycle ? ring(fresh) : fresh;
  return { split, options, order, pipeline: each, turn: turns(), memory };
}

function ring(fresh: () => Float32Array): (index: number) => Float32Array {
  const kept: Float32Array[] = [];
  return (index) => (kept[index % RING] ??= fresh());
}

/** A batch under way; its failure is reported to whoever waits for it, later. */
function begun(pass: Pass, index: number): Promise<Batch> {
  const batch = assembled(pass, index);
  batch.catch(() => {});
  return batch;
}

async function assembled(pass: Pass, index: number): Promise<Batch> {
  const { batch, mix, seed, epoch } = pass.options;
  const { length, labels: known } = pass.split;
  const { shape } = pass.pipeline;
  const size = elements(shape);
  const images = pass.memory(index);
  const labels = new Int32Array(batch).fill(-1);
  const rows = labels.subarray(0, length - index * batch).keys();
  const lane = async (): Promise<void> => {
    for (const row of rows) {
      const drawn = pass.order[index * batch + row] as number;
      const written = await write(pass, drawn, images.subarray(row * size, (row + 1) * size));
      if (written) labels[row] = known[drawn] as number;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const [row, label] of labels.entries()) {
    if (label < 0) images.fill(0, row * size, (row + 1) * size);
  }
  const plain = { images, labels, count: labels.filter((label) => label >= 0).length };
  // Streams of images are seeded by their index, so this one is past them all.
  return mix ? mixed(plain, mix.draw(shape, random(seed, epoch, length + index)), pass.turn) : plain;
}

/** Writes one image into its row; false where its file is corrupt and is to be skipped. */
async function write(pass: Pass, index: number, row: Float32Array): Promise<boolean> {
  const { options, pipeline, turn } = pass;
  const stream = random(options.seed, options.epoch, index);
  try {
    await turn();
    let image = pass.split.image(index, pipeline.frame(stream));
    if (image instanceof Promise) {
      image = await image;
      await turn();
    }
    pipeline.write(image, stream, row);
    return true;
  } catch (error) {
    const corrupt = error instanceof HalfspaceError && error.code === 'ERR_DATA';
    if (!corrupt || !options.skipCorrupt) throw error;
    options.skipCorrupt(error);
    return false;
  }
}
