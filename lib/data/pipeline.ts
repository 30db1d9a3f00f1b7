// What happens to one image between its split and its row of a batch: cut, augmented, normalised.
// Pure functions, settled once a pass; order, batches and waiting are the business of batches.ts.

import { HalfspaceError } from '../errors.js';
import type { Random } from '../random.js';
import { native } from '../train/native.js';
import { type Augmentation, isFraming } from './augment.js';
import type { Normalization } from './dataset.js';
import type { ChooseFrame, Image } from './image.js';

/** [C, H, W] */
type ImageShape = readonly [number, number, number];

/** The way of every image of a pass. `frame` comes first and draws first from the stream. */
export interface Pipeline {
  /** Of what comes out. */
  readonly shape: ImageShape;
  /** How the split is to cut the image; undefined to take it whole. */
  frame(stream: Random): ChooseFrame | undefined;
  /** Augments, normalises and writes an image that the split has cut. */
  write(image: Image, stream: Random, out: Float32Array): void;
}

/** The pipeline for images of `shape`. A leading framing is left to the split, which may decode less. */
export function pipeline(
  shape: ImageShape,
  augment: readonly Augmentation[],
  normalize: Normalization,
): Pipeline {
  const [channels, height, width] = shape;
  const [first, ...others] = augment;
  const framing = first && isFraming(first) ? first : undefined;
  const steps = framing ? others : augment;
  const size = augment.findLast(isFraming)?.size;
  const output = [channels, size ?? height, size ?? width] as const;
  const table = normalizationTable(normalize, channels);
  return {
    shape: output,
    frame: (stream) => framing && ((across, down) => framing.frame(across, down, stream)),
    write: (image, stream, out) => {
      const augmented = steps.reduce((current, step) => step.apply(current, stream), image);
      native().normalizePixels(checked(augmented, output).pixels, table, out);
    },
  };
}

function checked(image: Image, [channels, height, width]: ImageShape): Image {
  if (image.channels === channels && image.height === height && image.width === width) return image;
  throw new HalfspaceError(
    'ERR_SHAPE',
    `expected an image of ${channels}x${height}x${width} after augmentation, ` +
      `found ${image.channels}x${image.height}x${image.width}`,
  );
}

/** table[channel * 256 + byte] = (byte / 255 - mean) / deviation */
function normalizationTable({ mean, deviation }: Normalization, channels: number): Float32Array {
  if (mean.length !== channels || deviation.length !== channels) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `normalize: expected ${channels} means and deviations, one per channel, ` +
        `found ${mean.length} and ${deviation.length}`,
    );
  }
  return Float32Array.from({ length: channels * 256 }, (_, entry) => {
    const channel = entry >> 8;
    return ((entry & 255) / 255 - (mean[channel] as number)) / (deviation[channel] as number);
  });
}
