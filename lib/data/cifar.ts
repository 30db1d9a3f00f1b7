// CIFAR-10, binary version: records of 3,073 bytes, one label and three planes of 32x32, in
// `data_batch_1.bin` and following and in `test_batch.bin`. How many there are follows from the size.

import { join } from 'node:path';

import { horizontalFlip, randomCrop } from './augment.js';
import type { Dataset, Split } from './dataset.js';
import { findFolder, readNames, readRecords } from './files.js';
import { checkedLabels, joined, memorySplit } from './memory.js';

const SHAPE = [3, 32, 32] as const;
const RECORD = 1 + 3 * 32 * 32;

const CLASSES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const;

const ADVICE =
  'take cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it ' +
  'and give its folder as --data-dir';

/** CIFAR-10 from the first of `folders` that has it. Mean and deviation are the whole train split's. */
export async function openCifar10(folders: readonly string[]): Promise<Dataset> {
  const folder = await findFolder(folders, ['data_batch_1.bin'], ADVICE);
  const names = (await readNames(folder)).filter((name) => /^data_batch_\d+\.bin$/.test(name)).toSorted();
  return {
    name: 'cifar10',
    classes: CLASSES,
    shape: SHAPE,
    mean: [0.4914, 0.4822, 0.4465],
    deviation: [0.247, 0.2435, 0.2616],
    train: joined(await Promise.all(names.map((name) => readSplit(join(folder, name))))),
    test: await readSplit(join(folder, 'test_batch.bin')),
    augment: { train: [randomCrop(4), horizontalFlip()], test: [] },
  };
}

async function readSplit(path: string): Promise<Split> {
  const bytes = await readRecords(path, RECORD);
  const stored = Uint8Array.from({ length: bytes.length / RECORD }, (_, i) => bytes[i * RECORD] as number);
  const labels = checkedLabels(stored, CLASSES.length, path);
  return memorySplit({ bytes, labels, shape: SHAPE, offset: 1, stride: RECORD });
}
