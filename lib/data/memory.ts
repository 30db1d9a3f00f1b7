// Splits that lie in memory as one block of equally long records, the form of every small
// data set; images are views of the block wherever the layout allows it.

import { invariant } from '../errors.js';
import type { Split } from './dataset.js';
import { dataError } from './files.js';
import { type ChooseFrame, type Image, resample } from './image.js';

/** Where the images of a block lie. */
export interface Records {
  readonly bytes: Uint8Array;
  readonly labels: Int32Array;
  /** [C, H, W] */
  readonly shape: readonly [number, number, number];
  /** Byte of the first image; 0 by default. */
  readonly offset?: number;
  /** Bytes from one image to the next; C * H * W by default. */
  readonly stride?: number;
  /** Planes are stored column by column (MATLAB) instead of row by row. */
  readonly columnMajor?: boolean;
}

/** A split over records in memory. */
export function memorySplit(records: Records): Split {
  const { bytes, labels, shape, offset = 0, columnMajor = false } = records;
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const stride = records.stride ?? size;
  const read = (index: number): Image => {
    const start = offset + index * stride;
    const stored = bytes.subarray(start, start + size);
    const pixels = columnMajor ? rowMajor(stored, shape) : stored;
    return { channels, height, width, pixels };
  };
  const image = (index: number, choose?: ChooseFrame): Image => {
    const whole = read(index);
    return choose ? resample(whole, choose(width, height)) : whole;
  };
  return { length: labels.length, labels, shape, image };
}

/**
 * Stored labels `first` ... `first + classes - 1` as indices 0 ... `classes - 1`; any other is an
 * ERR_DATA that names `file`.
 */
export function checkedLabels(
  stored: ArrayLike<number>,
  classes: number,
  file: string,
  first = 0,
): Int32Array {
  return Int32Array.from(stored, (label, index) => {
    if (Number.isInteger(label) && label >= first && label < first + classes) return label - first;
    const range = `expected ${first} to ${first + classes - 1}`;
    throw dataError(file, `label ${label} at index ${index} is out of range, ${range}`);
  });
}

/** Splits of one shape, one after the other. */
export function joined(splits: readonly Split[]): Split {
  const [first] = splits;
  invariant(first, 'a split is joined from at least one');
  const length = splits.reduce((sum, split) => sum + split.length, 0);
  const labels = new Int32Array(length);
  let start = 0;
  const parts = splits.map((split) => {
    labels.set(split.labels, start);
    start += split.length;
    return { split, end: start };
  });
  const image: Split['image'] = (index, choose) => {
    const part = parts.find(({ end }) => index < end);
    invariant(part, `image ${index} of ${length}`);
    return part.split.image(index - part.end + part.split.length, choose);
  };
  return { length, labels, shape: first.shape, image };
}

function rowMajor(columns: Uint8Array, [channels, height, width]: Records['shape']): Uint8Array {
  const pixels = new Uint8Array(columns.length);
  let i = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    const plane = channel * height * width;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) pixels[i++] = columns[plane + x * height + y] as number;
    }
  }
  return pixels;
}
