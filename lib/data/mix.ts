// Augmentations that mix the images of a batch with one another and soften its labels. They run
// on finished batches, after everything in augment.ts.

import type { Random } from '../random.js';
import type { Batch } from './batches.js';

/** A mixing step; `shape` is [C, H, W] of the batch's images. */
export interface Mix {
  readonly name: string;
  apply(batch: Batch, shape: readonly [number, number, number], stream: Random): Batch;
}

/** x' = l*x + (1-l)*partner with l ~ Beta(alpha, alpha); targets alike (Zhang et al. 2018). */
export const mixup = (alpha: number, classes: number): Mix => ({
  name: `mixup(${alpha})`,
  apply: (batch, _shape, stream) => {
    const kept = beta(alpha, stream);
    const size = batch.images.length / batch.labels.length;
    const images = batch.images.slice();
    for (const [row, partner] of pairs(batch)) {
      const own = row * size;
      const other = partner * size;
      for (let i = 0; i < size; i += 1) {
        images[own + i] =
          kept * (batch.images[own + i] as number) + (1 - kept) * (batch.images[other + i] as number);
      }
    }
    return { ...batch, images, targets: softened(batch, kept, classes) };
  },
});

/** A rectangle of (1-l) of the area comes from the partner, l ~ Beta(alpha, alpha) (Yun et al. 2019). */
export const cutmix = (alpha: number, classes: number): Mix => ({
  name: `cutmix(${alpha})`,
  apply: (batch, [channels, height, width], stream) => {
    const { top, bottom, left, right } = rectangle(height, width, 1 - beta(alpha, stream), stream);
    const images = batch.images.slice();
    const rows = channels * height;
    for (const [row, partner] of pairs(batch)) {
      for (let line = 0; line < rows; line += 1) {
        const y = line % height;
        if (y < top || y >= bottom) continue;
        const source = (partner * rows + line) * width;
        images.set(batch.images.subarray(source + left, source + right), (row * rows + line) * width + left);
      }
    }
    const kept = 1 - ((bottom - top) * (right - left)) / (height * width);
    return { ...batch, images, targets: softened(batch, kept, classes) };
  },
});

/** Every row that holds an image, with the one before it that does; the first meets the last. */
function pairs({ labels }: Batch): readonly (readonly [number, number])[] {
  const filled = [...labels.keys()].filter((row) => (labels[row] as number) >= 0);
  return filled.map((row, position) => [row, filled.at(position - 1) as number]);
}

/** [N, classes]: `kept` of the own label, the rest of the partner's; zero in empty rows. */
function softened(batch: Batch, kept: number, classes: number): Float32Array {
  const targets = new Float32Array(batch.labels.length * classes);
  for (const [row, partner] of pairs(batch)) {
    const own = row * classes + (batch.labels[row] as number);
    const other = row * classes + (batch.labels[partner] as number);
    targets[own] = kept;
    targets[other] = (targets[other] as number) + 1 - kept;
  }
  return targets;
}

function rectangle(height: number, width: number, area: number, stream: Random) {
  const side = Math.sqrt(area);
  const x = stream.below(width);
  const y = stream.below(height);
  const halfWidth = Math.floor((width * side) / 2);
  const halfHeight = Math.floor((height * side) / 2);
  return {
    top: Math.max(0, y - halfHeight),
    bottom: Math.min(height, y + halfHeight),
    left: Math.max(0, x - halfWidth),
    right: Math.min(width, x + halfWidth),
  };
}

/** Beta(alpha, alpha) as a ratio of gamma variates. */
function beta(alpha: number, stream: Random): number {
  const a = gamma(alpha, stream);
  const b = gamma(alpha, stream);
  return a + b > 0 ? a / (a + b) : 0.5;
}

/** Gamma(shape, 1) by Marsaglia and Tsang (2000); below 1, by the power of a uniform number. */
function gamma(shape: number, stream: Random): number {
  if (shape < 1) return gamma(shape + 1, stream) * (1 - stream.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = stream.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - stream.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}
