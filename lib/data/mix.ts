// Augmentations that mix the images of a batch with one another and soften its labels. They run
// on whole batches, after everything in augment.ts.

import type { Random } from '../random.js';
import type { Batch } from './batches.js';

/** A way of mixing, drawn anew for each batch; `shape` is [C, H, W] of its images. */
export interface Mix {
  readonly name: string;
  draw(shape: readonly [number, number, number], stream: Random): Blend;
}

/** What is done to every image of one batch. */
export interface Blend {
  readonly classes: number;
  /** Share of the image itself, and so of its label; the rest is its partner's. */
  readonly kept: number;
  /** Mixes `partner` into `image`, in place. */
  into(image: Float32Array, partner: Float32Array): void;
}

/** x' = l*x + (1-l)*partner with l ~ Beta(alpha, alpha); targets alike (Zhang et al. 2018). */
export const mixup = (alpha: number, classes: number): Mix => ({
  name: `mixup(${alpha})`,
  draw: (_shape, stream) => {
    const kept = beta(alpha, stream);
    const into = (image: Float32Array, partner: Float32Array): void => {
      for (let i = 0; i < image.length; i += 1) {
        image[i] = kept * (image[i] as number) + (1 - kept) * (partner[i] as number);
      }
    };
    return { classes, kept, into };
  },
});

/** A rectangle of (1-l) of the area comes from the partner, l ~ Beta(alpha, alpha) (Yun et al. 2019). */
export const cutmix = (alpha: number, classes: number): Mix => ({
  name: `cutmix(${alpha})`,
  draw: ([channels, height, width], stream) => {
    const { top, bottom, left, right } = rectangle(height, width, 1 - beta(alpha, stream), stream);
    const into = (image: Float32Array, partner: Float32Array): void => {
      for (let row = 0; row < channels * height; row += 1) {
        const y = row % height;
        const start = row * width;
        if (y >= top && y < bottom) image.set(partner.subarray(start + left, start + right), start + left);
      }
    };
    return { classes, kept: 1 - ((bottom - top) * (right - left)) / (height * width), into };
  },
});

/**
 * Mixes every image with the one before it, the first with the last, and adds the targets. The
 * images of `batch` are overwritten: from the last to the first, so that each meets its partner unmixed.
 */
export async function mixed(batch: Batch, blend: Blend, turn: () => Promise<void>): Promise<Batch> {
  const { images, labels } = batch;
  const size = images.length / labels.length;
  const rows = [...labels.keys()].filter((row) => (labels[row] as number) >= 0);
  const image = (row: number): Float32Array => images.subarray(row * size, (row + 1) * size);
  const last = image(rows.at(-1) ?? 0).slice();
  for (const [position, row] of [...rows.entries()].toReversed()) {
    await turn();
    blend.into(image(row), position === 0 ? last : image(rows[position - 1] as number));
  }
  return { ...batch, targets: softened(labels, rows, blend) };
}

/** [N, classes]: `kept` of the own label, the rest of the partner's; zero in empty rows. */
function softened(labels: Int32Array, rows: readonly number[], { kept, classes }: Blend): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (const [position, row] of rows.entries()) {
    const own = row * classes + (labels[row] as number);
    const other = row * classes + (labels[rows.at(position - 1) as number] as number);
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
