// STL-10, binary version: `*_X.bin` holds images of three 96x96 planes stored column by column,
// `*_y.bin` one byte each with the class from 1 to 10. The unlabelled images are not read.

import { join } from 'node:path';

import { horizontalFlip, randomCrop } from './augment.js';
import type { Dataset, Split } from './dataset.js';
import { dataError, findFolder, readRecords } from './files.js';
import { checkedLabels, memorySplit } from './memory.js';

const SHAPE = [3, 96, 96] as const;
const RECORD = 3 * 96 * 96;

const CLASSES = [
  'airplane',
  'bird',
  'car',
  'cat',
  'deer',
  'dog',
  'horse',
  'monkey',
  'ship',
  'truck',
] as const;

const ADVICE =
  'take stl10_binary.tar.gz from https://cs.stanford.edu/~acoates/stl10, unpack it ' +
  'and give its folder as --data-dir';

/** STL-10 from the first of `folders` that has it. Mean and deviation are the train split's. */
export async function openStl10(folders: readonly string[]): Promise<Dataset> {
  const folder = await findFolder(folders, ['train_X.bin'], ADVICE);
  return {
    name: 'stl10',
    classes: CLASSES,
    shape: SHAPE,
    mean: [0.4467, 0.4398, 0.4066],
    deviation: [0.2603, 0.2566, 0.2713],
    train: await readSplit(folder, 'train'),
    test: await readSplit(folder, 'test'),
    augment: { train: [randomCrop(12), horizontalFlip()], test: [] },
  };
}

async function readSplit(folder: string, split: 'train' | 'test'): Promise<Split> {
  const imagesPath = join(folder, `${split}_X.bin`);
  const labelsPath = join(folder, `${split}_y.bin`);
  const bytes = await readRecords(imagesPath, RECORD);
  const stored = await readRecords(labelsPath, 1);
  const count = bytes.length / RECORD;
  if (stored.length !== count) {
    throw dataError(
      labelsPath,
      `expected ${count} labels, one per image of ${imagesPath}, found ${stored.length}`,
    );
  }
  const labels = checkedLabels(stored, CLASSES.length, labelsPath, 1);
  return memorySplit({ bytes, labels, shape: SHAPE, columnMajor: true });
}
