// How fast are batches made? Images in memory by augmentation, and JPEG files against torchvision's
// loader. The images are made here: speed does not depend on what they show, only on their size.

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
import { random } from '../lib/random.js';
import { type Contender, type Measurement, measure } from './measure.js';
import type { BenchContext, Result } from './report.js';

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
  { name: 'crop, flip, cutout 32x32', side: 32, augment: [randomCrop(4), horizontalFlip(), cutout(16)] },
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

export async function benchData(context: BenchContext): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const subject of subjects) {
    const name = `data/${subject.name}`;
    if (context.selected(name)) results.push(await benchMemory(name, subject, context));
  }
  const jpeg = 'data/jpeg 224x224';
  if (context.selected(jpeg)) results.push(await benchFiles(jpeg, context));
  return results;
}

async function benchMemory(name: string, subject: Subject, context: BenchContext): Promise<Result> {
  const { side, columnMajor = false, augment } = subject;
  const stream = random(1);
  const count = BATCH * 8;
  const bytes = Uint8Array.from({ length: count * 3 * side * side }, () => stream.below(256));
  const split = memorySplit({ bytes, labels: new Int32Array(count), shape: [3, side, side], columnMajor });
  const normalize = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
  const [own] = await measure([loader(name, split, augment, normalize, BATCH)], context.timing);
  return summary(name, own as Measurement, BATCH);
}

async function benchFiles(name: string, context: BenchContext): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-bench-'));
  try {
    await writeImages(join(folder, 'train', 'noise'), context.short ? JPEG_BATCH : JPEG_BATCH * 4);
    await writeImages(join(folder, 'val', 'noise'), 1);
    const { train, augment, ...normalize } = await openDataset(folder);
    const own = loader(name, train, augment.train, normalize, JPEG_BATCH);
    const peers = (await hasTorchvision(context.python)) ? [torchvision(context, folder)] : [];
    const [ours, theirs] = await measure([own, ...peers], context.timing);
    return { ...summary(name, ours as Measurement, JPEG_BATCH), ...(theirs ? { peer: theirs.median } : {}) };
  } finally {
    await rm(folder, { recursive: true });
  }
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
): Contender {
  const endless = forever(split, augment, normalize, batch);
  return {
    name,
    async run(count) {
      await endless.next();
      const start = performance.now();
      for (let i = 0; i < count; i += 1) await endless.next();
      return [(performance.now() - start) / count];
    },
  };
}

async function* forever(
  split: Split,
  augment: readonly Augmentation[],
  normalize: Normalization,
  batch: number,
): AsyncGenerator<Batch> {
  for (let epoch = 0; ; epoch += 1) {
    yield* batches(split, { batch, seed: 1, epoch, shuffle: true, augment, normalize, dropLast: true });
  }
}

/** A torchvision that does not fit its PyTorch fails to load; then there is no peer, and why is printed. */
async function hasTorchvision(python: string | null): Promise<boolean> {
  if (python === null) return false;
  try {
    await run(python, ['-c', 'import torchvision']);
    return true;
  } catch (error) {
    const lines = String(error).trim().split('\n');
    process.stderr.write(`data: no torchvision to compare with (${lines.at(-1)})\n`);
    return false;
  }
}

/** The customary pipeline for ImageNet, with one worker process for each thread. */
function torchvision({ python, threads }: BenchContext, folder: string): Contender {
  return {
    name: 'torchvision',
    async run(count) {
      const settings = [join(folder, 'train'), JPEG_BATCH, threads, count].map(String);
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
