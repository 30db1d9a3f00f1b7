// Augmentations of one image, named as in the field: pure functions of an image and a stream of
// random numbers. Mixing several images lives in mix.ts, colours in color.ts.

import type { Random } from '../random.js';
import { native } from '../train/native.js';
import type { Normalization } from './dataset.js';
import { type Frame, type Image, resample, withPixels } from './image.js';

/** A step of the input pipeline. */
export interface Augmentation {
  /** With its settings, as it prints: `randomCrop(4)`. */
  readonly name: string;
  /** A new image; the given one is left as it is. */
  apply(image: Image, stream: Random): Image;
}

/**
 * An augmentation that only cuts and scales. Standing first in a pipeline, it is done by the
 * decoder of the file, which then never hands over the pixels outside.
 */
export interface Framing extends Augmentation {
  /** Height and width of what comes out. */
  readonly size: number;
  frame(width: number, height: number, stream: Random): Frame;
}

export const isFraming = (augmentation: Augmentation | undefined): augmentation is Framing =>
  augmentation !== undefined && 'frame' in augmentation;

/** Shifts by up to `padding` pixels each way, the border filled with black. */
export const randomCrop = (padding: number): Augmentation => ({
  name: `randomCrop(${padding})`,
  apply: (image, stream) => {
    const right = stream.below(2 * padding + 1) - padding;
    const down = stream.below(2 * padding + 1) - padding;
    return shifted(image, right, down);
  },
});

/** Mirrors left and right with the given probability. */
export const horizontalFlip = (probability = 0.5): Augmentation => ({
  name: probability === 0.5 ? 'horizontalFlip' : `horizontalFlip(${probability})`,
  apply: (image, stream) => (stream.uniform() < probability ? mirrored(image) : image),
});

/**
 * Paints a square of `size` pixels with `mean`, one number from 0 to 1 a channel and most often the data set's, so
 * that it is zero after normalisation (to the nearest of 256 levels). Its centre may lie anywhere in the image, so
 * that the square may be cut off (DeVries and Taylor 2017).
 */
export const cutout = (size: number, mean: Normalization['mean']): Augmentation => ({
  name: `cutout(${size})`,
  apply: (image, stream) => {
    const left = stream.below(image.width) - Math.floor(size / 2);
    const top = stream.below(image.height) - Math.floor(size / 2);
    return painted(image, { left, top, right: left + size, bottom: top + size }, mean);
  },
});

/**
 * A rectangle of `scale` of the area and `ratio` of width to height, scaled to a square: Inception's
 * crop. Ten tries are made to find one that fits, then the middle of the image is taken.
 */
export const randomResizedCrop = (
  size: number,
  scale: readonly [number, number] = [0.08, 1],
  ratio: readonly [number, number] = [3 / 4, 4 / 3],
): Framing =>
  framing(`randomResizedCrop(${size})`, size, (width, height, stream) => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const area = width * height * between(stream.uniform(), scale);
      const shape = Math.exp(between(stream.uniform(), [Math.log(ratio[0]), Math.log(ratio[1])]));
      const box = { width: Math.round(Math.sqrt(area * shape)), height: Math.round(Math.sqrt(area / shape)) };
      if (fits(box, width, height)) {
        return {
          ...box,
          left: stream.below(width - box.width + 1),
          top: stream.below(height - box.height + 1),
        };
      }
    }
    return middle(width, height, clamped(width, height, ratio));
  });

/** The middle square, `fraction` of the shorter side, scaled to `size`: what evaluation looks at. */
export const centerCrop = (size: number, fraction = 0.875): Framing =>
  framing(`centerCrop(${size})`, size, (width, height) => {
    const side = Math.max(1, Math.round(Math.min(width, height) * fraction));
    return middle(width, height, { width: side, height: side });
  });

/** The whole image, scaled to a square; its proportions are not kept. */
export const resize = (size: number): Framing =>
  framing(`resize(${size})`, size, (width, height) => ({ left: 0, top: 0, width, height }));

interface Extent {
  readonly width: number;
  readonly height: number;
}

interface Box extends Extent {
  readonly left: number;
  readonly top: number;
}

function framing(
  name: string,
  size: number,
  choose: (width: number, height: number, stream: Random) => Box,
): Framing {
  const frame = (width: number, height: number, stream: Random): Frame => ({
    ...choose(width, height, stream),
    outputWidth: size,
    outputHeight: size,
  });
  return {
    name,
    size,
    frame,
    apply: (image, stream) => resample(image, frame(image.width, image.height, stream)),
  };
}

const between = (fraction: number, [low, high]: readonly [number, number]): number =>
  low + fraction * (high - low);

const fits = (box: Extent, width: number, height: number): boolean =>
  box.width >= 1 && box.height >= 1 && box.width <= width && box.height <= height;

/** The largest extent whose proportions lie within `ratio`. */
function clamped(width: number, height: number, ratio: readonly [number, number]): Extent {
  if (width / height < ratio[0]) return { width, height: Math.max(1, Math.round(width / ratio[0])) };
  if (width / height > ratio[1]) return { width: Math.max(1, Math.round(height * ratio[1])), height };
  return { width, height };
}

const middle = (width: number, height: number, box: Extent): Box => ({
  ...box,
  left: Math.floor((width - box.width) / 2),
  top: Math.floor((height - box.height) / 2),
});

/** out(y, x) = in(y + down, x + right), black outside. */
function shifted(image: Image, right: number, down: number): Image {
  const { channels, height, width, pixels: from } = image;
  const pixels = new Uint8Array(from.length);
  const first = Math.max(0, -right);
  const end = Math.min(width, width - right);
  for (let row = 0; row < channels * height; row += 1) {
    const y = (row % height) + down;
    if (y < 0 || y >= height) continue;
    const distance = down * width + right;
    for (let i = row * width + first; i < row * width + end; i += 1) pixels[i] = from[i + distance] as number;
  }
  return withPixels(image, pixels);
}

function mirrored(image: Image): Image {
  const pixels = new Uint8Array(image.pixels.length);
  native().mirrorPixels(image.pixels, image.width, pixels);
  return withPixels(image, pixels);
}

function painted(
  image: Image,
  box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  mean: Normalization['mean'],
): Image {
  const { channels, height, width } = image;
  const pixels = image.pixels.slice();
  const left = Math.max(0, box.left);
  const right = Math.min(width, box.right);
  for (let channel = 0; channel < channels; channel += 1) {
    const fill = Math.round(255 * (mean[channel] as number));
    for (let y = Math.max(0, box.top); y < Math.min(height, box.bottom); y += 1) {
      const row = (channel * height + y) * width;
      pixels.fill(fill, row + left, row + right);
    }
  }
  return withPixels(image, pixels);
}
