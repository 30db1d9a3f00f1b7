// How fast are batches made? Images in memory by augmentation, JPEG files against torchvision's pipeline, and
// each data set's pipeline against the training step that it feeds. The images are made here: speed does
// not depend on what they show, only on their size.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';

import { type Augmentation, cutout, horizontalFlip, randomCrop } from '../lib/data/augment.js';
import { type Batch, batches } from '../lib/data/batches.js';
import { colorJitter } from '../lib/data/color.js';
import type { Normalization, Split } from '../lib/data/dataset.js';
import { memorySplit } from '../lib/data/memory.js';
import { openDataset } from '../lib/data/open.js';
import { buildModel } from '../lib/models/index.js';
import { random } from '../lib/random.js';
import { type Contender, type Measurement, measure, timed } from './measure.js';
import type { BenchContext, Benchmark, Result } from './report.js';
import { Training } from './training.js';

const run = promisify(execFile);

const BATCH = 128;
const JPEG_BATCH = 64;
const peerScript = fileURLToPath(new URL('data_peer.py', import.meta.url));

interface Subject {
  readonly name: string;
  readonly side: number;
  readonly columnMajor?: boolean;
  readonly augment: readonly Augmentation[];
}

const subjects: readonly Subject[] = [
  { name: 'plain 32x32', side: 32, augment: [] },
  { name: 'crop, flip 32x32', side: 32, augment: [randomCrop(4), horizontalFlip()] },
  {
    name: 'crop, flip, cutout 32x32',
    side: 32,
    augment: [randomCrop(4), horizontalFlip(), cutout(16, [0.5, 0.5, 0.5])],
  },
  {
    name: 'colors 32x32',
    side: 32,
    augment: [colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4 })],
  },
  { name: 'plain 96x96 by columns', side: 96, columnMajor: true, augment: [] },
  {
    name: 'crop, flip 96x96 by columns',
    side: 96,
    columnMajor: true,
    augment: [randomCrop(12), horizontalFlip()],
  },
];

/** A data set as its loader hands it out, and a built-in network that is trained on it. */
interface Feed {
  readonly dataset: string;
  readonly shape: readonly [number, number, number];
  readonly columnMajor?: boolean;
  readonly augment: readonly Augmentation[];
  readonly model: string;
  /** Images of a step; small where the network is large, since rates count. */
  readonly batch: number;
}

const feeds: readonly Feed[] = [
  {
    dataset: 'fashion-mnist',
    shape: [1, 28, 28],
    augment: [randomCrop(2), horizontalFlip()],
    model: 'demosupnet',
    batch: 64,
  },
  { dataset: 'svhn', shape: [3, 32, 32], columnMajor: true, augment: [], model: 'stackedunets', batch: 64 },
  {
    dataset: 'cifar10',
    shape: [3, 32, 32],
    augment: [randomCrop(4), horizontalFlip()],
    model: 'regnet-800m',
    batch: 32,
  },
  {
    dataset: 'stl10',
    shape: [3, 96, 96],
    columnMajor: true,
    augment: [randomCrop(12), horizontalFlip()],
    model: 'darts-8',
    batch: 2,
  },
];

const memoryName = ({ name }: Subject): string => `data/${name}`;
const feedName = ({ dataset }: Feed): string => `data/feed ${dataset}`;
const fileNames = ['data/jpeg 224x224', 'data/jpeg 224x224, CPU time', 'data/feed imagenet'] as const;

export const data: Benchmark = {
  names: [...subjects.map(memoryName), ...feeds.map(feedName), ...fileNames],
  async *run(context) {
    for (const subject of subjects) {
      const name = memoryName(subject);
      if (context.selected(name)) yield await benchMemory(name, subject, context);
    }
    for (const feed of feeds) {
      const name = feedName(feed);
      if (context.selected(name)) yield await benchFeed(name, feed, context);
    }
    yield* benchFiles(context);
  },
};

async function benchMemory(name: string, subject: Subject, context: BenchContext): Promise<Result> {
  const { side, columnMajor = false, augment } = subject;
  const own = memoryLoader(name, [3, side, side], columnMajor, augment);
  const [measured] = await measure([own], context.timing);
  return summary(name, measured as Measurement, BATCH);
}

function memoryLoader(
  name: string,
  shape: readonly [number, number, number],
  columnMajor: boolean,
  augment: readonly Augmentation[],
): Contender {
  const [channels, height, width] = shape;
  const stream = random(1);
  const count = BATCH * 8;
  const bytes = Uint8Array.from({ length: count * channels * height * width }, () => stream.below(256));
  const split = memorySplit({ bytes, labels: new Int32Array(count), shape, columnMajor });
  const each = (value: number): number[] => Array.from({ length: channels }, () => value);
  return loader(name, split, augment, { mean: each(0.5), deviation: each(0.25) }, BATCH);
}

/** The time of an image in the pipeline, and how many times as fast it is as the training that it feeds. */
async function benchFeed(name: string, feed: Feed, context: BenchContext): Promise<Result> {
  const { shape, columnMajor = false, augment } = feed;
  const own = memoryLoader(name, shape, columnMajor, augment);
  const [pipeline] = await measure([own], context.timing);
  return fed(name, (pipeline as Measurement).median / BATCH, feed, context);
}

async function fed(
  name: string,
  milliseconds: number,
  { model, shape, batch }: Pick<Feed, 'model' | 'shape' | 'batch'>,
  context: BenchContext,
): Promise<Result> {
  using training = await Training.open(buildModel(model, { input: shape, classes: 10 }), batch, {
    threads: context.threads,
  });
  const [step] = await measure([timed(model, () => training.step())], {
    rounds: 1,
    repetitions: 3,
    warmup: 1,
  });
  const trained = (step as Measurement).median / batch;
  const details = {
    'images/s': 1000 / milliseconds,
    'trained images/s': 1000 / trained,
    'times as fast': trained / milliseconds,
  };
  return { name, ours: milliseconds, details };
}

/** Three questions to one folder of JPEG files. */
async function* benchFiles(context: BenchContext): AsyncGenerator<Result> {
  const [wall, cpu, feed] = fileNames;
  if (!fileNames.some((name) => context.selected(name))) return;
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-bench-'));
  try {
    await writeImages(join(folder, 'train', 'noise'), context.short ? JPEG_BATCH : JPEG_BATCH * 4);
    await writeImages(join(folder, 'val', 'noise'), 1);
    if (context.selected(wall)) yield await benchJpeg(wall, folder, wallClock, context);
    if (context.selected(cpu)) yield await benchJpeg(cpu, folder, cpuClock, context);
    if (context.selected(feed)) yield await benchJpegFeed(feed, folder, context);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What is counted: time as it passes, or the time that processors worked, on all threads together. */
type Clock = () => number;

const wallClock: Clock = () => performance.now();

const cpuClock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * By the clock on the wall both have the same number of threads, torchvision's being worker processes. By the
 * processors' clock torchvision runs inside one process, which spares it the exchange between them.
 */
async function benchJpeg(name: string, folder: string, clock: Clock, context: BenchContext): Promise<Result> {
  const { train, augment, ...normalize } = await openDataset(folder);
  const own = loader(name, repeated(train), augment.train, normalize, JPEG_BATCH, clock);
  const workers = clock === wallClock ? context.threads : 0;
  const peers = (await hasTorchvision(context.python)) ? [torchvision(context, folder, workers)] : [];
  const [ours, theirs] = await measure([own, ...peers], context.timing);
  return { ...summary(name, ours as Measurement, JPEG_BATCH), ...(theirs ? { peer: theirs.median } : {}) };
}

async function benchJpegFeed(name: string, folder: string, context: BenchContext): Promise<Result> {
  const { train, augment, ...normalize } = await openDataset(folder);
  const own = loader(name, repeated(train), augment.train, normalize, JPEG_BATCH);
  const [pipeline] = await measure([own], context.timing);
  const trained = { model: 'darts-14', shape: [3, 224, 224], batch: 1 } as const;
  return fed(name, (pipeline as Measurement).median / JPEG_BATCH, trained, context);
}

/** The images over and over: an epoch of ImageNet has thousands of batches, and memory is allotted once in each. */
function repeated(split: Split): Split {
  const length = 100 * split.length;
  const labels = Int32Array.from({ length }, (_, index) => split.labels[index % split.length] as number);
  return { ...split, length, labels, image: (index, frame) => split.image(index % split.length, frame) };
}

const summary = (name: string, { median }: Measurement, batch: number): Result => ({
  name,
  ours: median,
  details: { 'images/s': (batch / median) * 1000 },
});

/**
 * Batch after batch, epoch after epoch. Batches are made ahead, so one alone may cost nothing or
 * two: the mean of a row of them counts, after one that was ready.
 */
function loader(
  name: string,
  split: Split,
  augment: readonly Augmentation[],
  normalize: Normalization,
  batch: number,
  clock: Clock = wallClock,
): Contender {
  const endless = forever(split, augment, normalize, batch);
  return {
    name,
    async run(count) {
      await endless.next();
      const start = clock();
      for (let i = 0; i < count; i += 1) await endless.next();
      return [(clock() - start) / count];
    },
  };
}

/** As training asks for them. */
const pass = { seed: 1, shuffle: true, dropLast: true, recycle: true } as const;

async function* forever(
  split: Split,
  augment: readonly Augmentation[],
  normalize: Normalization,
  batch: number,
): AsyncGenerator<Batch> {
  for (let epoch = 0; ; epoch += 1) {
    yield* batches(split, { ...pass, epoch, augment, normalize, batch });
  }
}

/** A torchvision that does not fit its PyTorch fails to load; then there is no peer, and why is printed. */
async function hasTorchvision(python: string | null): Promise<boolean> {
  if (python === null) return false;
  try {
    await run(python, [peerScript]);
    return true;
  } catch (error) {
    const lines = String(error).trim().split('\n');
    process.stderr.write(`data: no torchvision to compare with (${lines.at(-1)})\n`);
    return false;
  }
}

/** The customary pipeline for ImageNet; without worker processes, the processors' time counts. */
function torchvision({ python }: BenchContext, folder: string, workers: number): Contender {
  return {
    name: 'torchvision',
    async run(count) {
      const settings = [join(folder, 'train'), JPEG_BATCH, workers, count].map(String);
      const { stdout } = await run(python as string, [peerScript, ...settings]);
      return [Number(stdout)];
    },
  };
}

/** Smooth noise that compresses to about the 100 kB of an ImageNet photograph, 500x375. */
async function writeImages(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [width, height] = [500, 375];
  for (let index = 0; index < count; index += 1) {
    const stream = random(index);
    const pixels = Uint8Array.from({ length: width * height * 3 }, () => stream.below(256));
    const image = sharp(pixels, { raw: { width, height, channels: 3 } }).blur(0.8);
    await writeFile(join(folder, `${index}.jpg`), await image.jpeg({ quality: 85 }).toBuffer());
  }
}
