// The input pipeline: from a split to normalised float batches, in an order and with augmentations
// that are functions of (seed, epoch, index) alone. The event loop stays free: work is done
// in slices, and pictures in files are decoded on other threads while a batch is being used.

import { setImmediate } from 'node:timers/promises';

import { HalfspaceError } from '../errors.js';
import { permutation, random } from '../random.js';
import { type Augmentation, isFraming } from './augment.js';
import type { Normalization, Split } from './dataset.js';
import type { Image } from './image.js';
import type { Mix } from './mix.js';

/** Milliseconds that the event loop is held before a batch under construction gives way. */
const SLICE = 2;

/** Pictures and labels of one step. */
export interface Batch {
  /** [N, C, H, W], normalised; rows without a picture are zero. */
  readonly images: Float32Array;
  /** [N]; -1 where there is no picture: the tail of a short last batch, a corrupt file. */
  readonly labels: Int32Array;
  /** Rows that hold a picture. */
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
  /** Mixes pictures of a batch with one another. */
  readonly mix?: Mix;
  /** Called for each file that cannot be decoded, which then is an empty row; without it, an error. */
  readonly skipCorrupt?: (error: HalfspaceError) => void;
}

/** One pass, settled: everything that is the same for all its batches. */
interface Pass {
  readonly split: Split;
  readonly options: BatchOptions;
  readonly order: Uint32Array;
  readonly shape: readonly [number, number, number];
  readonly table: Float32Array;
}

/** Number of batches that a pass over `length` pictures has. */
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
  const order = options.shuffle
    ? permutation(split.length, random(options.seed, options.epoch))
    : Uint32Array.from({ length: split.length }, (_, index) => index);
  const [channels, height, width] = split.shape;
  const size = options.augment.findLast(isFraming)?.size;
  const shape = [channels, size ?? height, size ?? width] as const;
  return { split, options, order, shape, table: normalizationTable(options.normalize, channels) };
}

/** A batch under way; its failure is reported to whoever waits for it, later. */
function begun(pass: Pass, index: number): Promise<Batch> {
  const batch = assembled(pass, index);
  batch.catch(() => {});
  return batch;
}

async function assembled(pass: Pass, index: number): Promise<Batch> {
  const { batch, mix, seed, epoch } = pass.options;
  const { length } = pass.split;
  const [channels, height, width] = pass.shape;
  const images = new Float32Array(batch * channels * height * width);
  const labels = new Int32Array(batch).fill(-1);
  const rows = Math.min(batch, length - index * batch);
  const pending: Promise<void>[] = [];
  const turn = turns();
  for (let row = 0; row < rows; row += 1) {
    const pictured = place(pass, pass.order[index * batch + row] as number, row, images, labels);
    if (pictured) pending.push(pictured);
    await turn();
  }
  await Promise.all(pending);
  const count = labels.reduce((sum, label) => sum + (label < 0 ? 0 : 1), 0);
  const plain = { images, labels, count };
  // Streams of pictures are seeded by their index, so this one is past them all.
  return mix ? mix.apply(plain, pass.shape, random(seed, epoch, length + index)) : plain;
}

/** Writes one picture and its label into their row; a promise where the picture is in a file. */
function place(
  pass: Pass,
  index: number,
  row: number,
  images: Float32Array,
  labels: Int32Array,
): Promise<void> | undefined {
  const { split, shape, options } = pass;
  const size = shape[0] * shape[1] * shape[2];
  const write = (image: Image): void => {
    normalized(checked(image, shape), pass.table, images.subarray(row * size, (row + 1) * size));
    labels[row] = split.labels[index] as number;
  };
  const image = augmented(split, index, options);
  if (!(image instanceof Promise)) {
    write(image);
    return undefined;
  }
  return image.then(write).catch((error: unknown) => {
    const corrupt = error instanceof HalfspaceError && error.code === 'ERR_DATA';
    if (!corrupt || !options.skipCorrupt) throw error;
    options.skipCorrupt(error);
  });
}

function augmented(split: Split, index: number, options: BatchOptions): Image | Promise<Image> {
  const { augment, seed, epoch } = options;
  const stream = random(seed, epoch, index);
  const first = augment[0];
  const rest = isFraming(first) ? augment.slice(1) : augment;
  const image = isFraming(first)
    ? split.image(index, (width, height) => first.frame(width, height, stream))
    : split.image(index);
  const finish = (whole: Image): Image => rest.reduce((current, step) => step.apply(current, stream), whole);
  return image instanceof Promise ? image.then(finish) : finish(image);
}

function checked(image: Image, [channels, height, width]: Pass['shape']): Image {
  if (image.channels === channels && image.height === height && image.width === width) return image;
  throw new HalfspaceError(
    'ERR_SHAPE',
    `a batch of pictures ${channels}x${height}x${width} met one of ` +
      `${image.channels}x${image.height}x${image.width}; let the augmentations end in one size`,
  );
}

/** table[channel * 256 + byte] = (byte / 255 - mean) / deviation */
function normalizationTable({ mean, deviation }: Normalization, channels: number): Float32Array {
  if (mean.length !== channels || deviation.length !== channels) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `normalize expects ${channels} means and deviations, one per channel, found ${mean.length} and ${deviation.length}`,
    );
  }
  return Float32Array.from({ length: channels * 256 }, (_, entry) => {
    const channel = entry >> 8;
    return ((entry & 255) / 255 - (mean[channel] as number)) / (deviation[channel] as number);
  });
}

function normalized(image: Image, table: Float32Array, out: Float32Array): void {
  const { pixels } = image;
  const plane = image.height * image.width;
  for (let channel = 0; channel < image.channels; channel += 1) {
    const entry = channel << 8;
    const end = (channel + 1) * plane;
    for (let i = channel * plane; i < end; i += 1) out[i] = table[entry | (pixels[i] as number)] as number;
  }
}

/** A function to call between pieces of work; it lets others run once a slice is used up. */
function turns(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
