// A data set out of whatever a program can iterate over. It is read once, into memory; a data set that is
// larger than memory implements `Split` itself and reads each image when it is asked for.

import { HalfspaceError } from '../errors.js';
import { elements } from '../shape.js';
import type { Dataset, Normalization, Split } from './dataset.js';
import { memorySplit } from './memory.js';

/** A labelled image. */
export interface Sample {
  /** [C, H, W] row-major, a byte each. */
  readonly pixels: Uint8Array;
  /** Index into the classes. */
  readonly label: number;
}

/** Samples in any order: a list, a generator, a stream. */
export type Samples = Iterable<Sample> | AsyncIterable<Sample>;

/** What a data set is made of. */
export interface SampleSource {
  readonly name: string;
  readonly classes: readonly string[];
  /** [C, H, W] of every image. */
  readonly shape: readonly [number, number, number];
  readonly train: Samples;
  readonly test: Samples;
  /** That of the training images unless told. */
  readonly normalize?: Normalization;
  /** None unless told. */
  readonly augment?: Partial<Dataset['augment']>;
}

/**
 * Reads all samples, those for training first. Throws ERR_DATA for a sample of another size or with a
 * label that is no class, and where a split is empty.
 */
export async function collectDataset(source: SampleSource): Promise<Dataset> {
  const { name, classes, shape, augment } = source;
  const train = await collectSplit(source, 'train');
  const test = await collectSplit(source, 'test');
  return {
    name,
    classes,
    shape,
    ...(source.normalize ?? normalizationOf(train.bytes, shape)),
    train: train.split,
    test: test.split,
    augment: { train: [], test: [], ...augment },
  };
}

interface Collected {
  readonly bytes: Uint8Array; // [N, C, H, W]
  readonly split: Split;
}

async function collectSplit(source: SampleSource, part: 'train' | 'test'): Promise<Collected> {
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  for await (const sample of source[part]) {
    checkSample(sample, source, `${part} image ${labels.length}`);
    pixels.push(sample.pixels.slice());
    labels.push(sample.label);
  }
  if (labels.length === 0) throw dataError(source, `expected ${part} images, got none`);
  const bytes = Buffer.concat(pixels);
  return { bytes, split: memorySplit({ bytes, labels: Int32Array.from(labels), shape: source.shape }) };
}

function checkSample({ pixels, label }: Sample, source: SampleSource, which: string): void {
  const size = elements(source.shape);
  if (!(pixels instanceof Uint8Array) || pixels.length !== size) {
    const arrived = pixels instanceof Uint8Array ? `${pixels.length} bytes` : typeof pixels;
    throw dataError(source, `${which}: expected ${size} bytes (${source.shape.join('x')}), got ${arrived}`);
  }
  if (!Number.isInteger(label) || label < 0 || label >= source.classes.length) {
    throw dataError(
      source,
      `${which}: expected a label from 0 to ${source.classes.length - 1}, got ${label}`,
    );
  }
}

const dataError = ({ name }: SampleSource, message: string): HalfspaceError =>
  new HalfspaceError('ERR_DATA', `${name}: ${message}`);

/** Mean and standard deviation of each channel; a channel of one value is only shifted. */
function normalizationOf(bytes: Uint8Array, [channels, height, width]: Dataset['shape']): Normalization {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const plane = height * width;
  for (let at = 0; at < bytes.length; at += 1) {
    const channel = Math.floor(at / plane) % channels;
    const value = (bytes[at] as number) / 255;
    sums[channel] = (sums[channel] as number) + value;
    squares[channel] = (squares[channel] as number) + value * value;
  }
  const count = bytes.length / channels;
  const mean = Array.from(sums, (sum) => sum / count);
  const deviation = mean.map((m, channel) => {
    const variance = (squares[channel] as number) / count - m * m;
    return variance > 1e-12 ? Math.sqrt(variance) : 1;
  });
  return { mean, deviation };
}
