// Made-up images as a data set, for whoever trains without caring what is learned.

import type { Dataset } from '../lib/data/dataset.js';
import { memorySplit } from '../lib/data/memory.js';
import { random } from '../lib/random.js';

const CLASSES = 10;

/** Noise of shape [C, H, W]: `train` images to train on and `test` to be measured on. */
export function noise(
  shape: readonly [number, number, number],
  { train, test }: { readonly train: number; readonly test: number },
): Dataset {
  const [channels, height, width] = shape;
  const stream = random(1);
  const split = (length: number): Dataset['train'] =>
    memorySplit({
      bytes: Uint8Array.from({ length: length * channels * height * width }, () => stream.below(256)),
      labels: Int32Array.from({ length }, (_, index) => index % CLASSES),
      shape,
    });
  return {
    name: 'noise',
    classes: Array.from({ length: CLASSES }, (_, index) => String(index)),
    shape,
    mean: Array.from({ length: channels }, () => 0.5),
    deviation: Array.from({ length: channels }, () => 0.29),
    train: split(train),
    test: split(test),
    augment: { train: [], test: [] },
  };
}
