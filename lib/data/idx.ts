// The IDX format of the MNIST family: a big-endian magic number 0x0000TTDD (type, rank), one
// 32-bit size per axis, then the data. Fashion-MNIST is published as four such files, gzipped.

import { join } from 'node:path';

import type { Dataset, Split } from './dataset.js';
import { horizontalFlip, randomCrop } from './augment.js';
import { dataError, exists, findFolder, readUnpacked } from './files.js';
import { checkedLabels, memorySplit } from './memory.js';

const UNSIGNED_BYTE = 0x08;

/** An array of unsigned bytes. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const CLASSES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const;

const IMAGES = { train: 'train-images-idx3-ubyte', test: 't10k-images-idx3-ubyte' } as const;
const LABELS = { train: 'train-labels-idx1-ubyte', test: 't10k-labels-idx1-ubyte' } as const;

const ADVICE =
  'install the Debian package dataset-fashion-mnist, or take the four files from ' +
  'https://github.com/zalandoresearch/fashion-mnist and give their folder as --data-dir';

/** Fashion-MNIST from the first of `folders` that has it. Mean and deviation are the train split's. */
export async function openFashionMnist(name: string, folders: readonly string[]): Promise<Dataset> {
  const folder = await findFolder(folders, [`${IMAGES.train}.gz`, IMAGES.train], ADVICE);
  const [train, test] = await Promise.all([readSplit(folder, 'train'), readSplit(folder, 'test')]);
  return {
    name,
    classes: CLASSES,
    shape: train.shape,
    mean: [0.286],
    deviation: [0.353],
    train,
    test,
    augment: { train: [randomCrop(2), horizontalFlip()], test: [] },
  };
}

/** Reads one array of the given rank; `path` is for errors. */
export function parseIdx(path: string, bytes: Uint8Array, rank: number): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = 4 + 4 * rank;
  if (bytes.length < header)
    throw dataError(path, `expected an IDX header of ${header} bytes, found ${bytes.length}`);
  const expected = (UNSIGNED_BYTE << 8) | rank;
  const magic = view.getUint32(0);
  if (magic !== expected) throw dataError(path, `expected the IDX magic number ${expected}, found ${magic}`);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = header + shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== size) {
    throw dataError(path, `expected ${size} bytes for ${shape.join('x')}, found ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(header) };
}

async function readSplit(folder: string, split: keyof typeof IMAGES): Promise<Split> {
  const imagesPath = await packedOrPlain(join(folder, IMAGES[split]));
  const labelsPath = await packedOrPlain(join(folder, LABELS[split]));
  const images = parseIdx(imagesPath, await readUnpacked(imagesPath), 3);
  const labels = parseIdx(labelsPath, await readUnpacked(labelsPath), 1);
  const [count = 0, height = 0, width = 0] = images.shape;
  if (labels.data.length !== count) {
    throw dataError(
      labelsPath,
      `expected ${count} labels, one per image of ${imagesPath}, found ${labels.data.length}`,
    );
  }
  return memorySplit({
    bytes: images.data,
    labels: checkedLabels(labels.data, CLASSES.length, labelsPath),
    shape: [1, height, width],
  });
}

const packedOrPlain = async (path: string): Promise<string> => ((await exists(path)) ? path : `${path}.gz`);
