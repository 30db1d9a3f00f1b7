// SVHN, cropped digits: `train_32x32.mat` and `test_32x32.mat` hold X, 32x32x3xN bytes in MATLAB's
// column-major order, and y, Nx1, with 10 for the digit zero. The extra images are not read.

import { join } from 'node:path';

import type { Dataset, Split } from './dataset.js';
import { dataError, findFolder } from './files.js';
import { readMat, type MatArray } from './mat.js';
import { checkedLabels, memorySplit } from './memory.js';

const SHAPE = [3, 32, 32] as const;
const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

const ADVICE =
  'take train_32x32.mat and test_32x32.mat from http://ufldl.stanford.edu/housenumbers ' +
  'and give their folder as --data-dir';

/** SVHN from the first of `folders` that has it. Mean and deviation are the whole train split's. */
export async function openSvhn(folders: readonly string[]): Promise<Dataset> {
  const folder = await findFolder(folders, ['train_32x32.mat'], ADVICE);
  return {
    name: 'svhn',
    classes: CLASSES,
    shape: SHAPE,
    mean: [0.4377, 0.4438, 0.4728],
    deviation: [0.198, 0.201, 0.197],
    train: await readSplit(join(folder, 'train_32x32.mat')),
    test: await readSplit(join(folder, 'test_32x32.mat')),
    augment: { train: [], test: [] },
  };
}

async function readSplit(path: string): Promise<Split> {
  const arrays = await readMat(path);
  const images = named(path, arrays, 'X');
  const digits = named(path, arrays, 'y').data;
  const expected = [32, 32, 3, digits.length];
  if (expected.some((size, axis) => images.sizes[axis] !== size)) {
    throw dataError(
      path,
      `expected X of ${expected.join('x')}, one image per label, found ${images.sizes.join('x')}`,
    );
  }
  const labels = checkedLabels(digits, 10, path, 1).map((label) => (label + 1) % 10);
  return memorySplit({ bytes: images.data, labels, shape: SHAPE, columnMajor: true });
}

function named(path: string, arrays: ReadonlyMap<string, MatArray>, name: string): MatArray {
  const array = arrays.get(name);
  if (array) return array;
  throw dataError(path, `expected an array '${name}', found ${[...arrays.keys()].join(', ') || 'none'}`);
}
