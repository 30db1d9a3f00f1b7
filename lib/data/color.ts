// Changes of brightness, contrast, saturation and hue, as one augmentation. Its parts and their
// formulas are those in common use; pixels stay 8-bit between them.

import { permutation, type Random } from '../random.js';
import type { Augmentation } from './augment.js';
import { type Image, withPixels } from './image.js';

/** Greatest change of each: factors lie in 1 - x ... 1 + x, the hue turns by -x ... x circles. */
export interface ColorRanges {
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  /** At most 0.5. */
  readonly hue?: number;
}

/** Each change by a random amount, in a random order. Images with one channel have no colours. */
export function colorJitter(ranges: ColorRanges): Augmentation {
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = ranges;
  return {
    name: `colorJitter(${[brightness, contrast, saturation, hue].join(',')})`,
    apply: (image, stream) => {
      const around = (range: number): number => Math.max(0, 1 + (2 * stream.uniform() - 1) * range);
      const changes = [
        changed(brightness, (current) => brightened(current, around(brightness))),
        changed(contrast, (current) => contrasted(current, around(contrast))),
        changed(saturation, (current) => saturated(current, around(saturation))),
        changed(hue, (current) => turned(current, (2 * stream.uniform() - 1) * hue)),
      ];
      return inRandomOrder(changes, stream).reduce((current, change) => change(current), image);
    },
  };
}

type Change = (image: Image) => Image;

const changed = (range: number, change: Change): Change => (range === 0 ? (image) => image : change);

const inRandomOrder = (changes: readonly Change[], stream: Random): readonly Change[] =>
  [...permutation(changes.length, stream)].map((index) => changes[index] as Change);

/** factor * pixel */
const brightened = (image: Image, factor: number): Image => mapped(image, (pixel) => factor * pixel);

/** factor * pixel + (1 - factor) * mean gray of the image */
function contrasted(image: Image, factor: number): Image {
  const gray = grays(image);
  const mean = gray.reduce((sum, value) => sum + value, 0) / gray.length;
  return mapped(image, (pixel) => factor * pixel + (1 - factor) * mean);
}

/** factor * pixel + (1 - factor) * its gray */
function saturated(image: Image, factor: number): Image {
  if (image.channels !== 3) return image;
  const gray = grays(image);
  const pixels = new Uint8ClampedArray(image.pixels.length);
  for (let start = 0; start < pixels.length; start += gray.length) {
    for (let i = 0; i < gray.length; i += 1) {
      pixels[start + i] = factor * (image.pixels[start + i] as number) + (1 - factor) * (gray[i] as number);
    }
  }
  return withPixels(image, new Uint8Array(pixels.buffer));
}

/**
 * Turns the hue by `turns` circles: per pixel, with high and low the largest and smallest of red,
 * green and blue, hue = position on the colour circle in sixths; high and low stay as they are.
 */
function turned(image: Image, turns: number): Image {
  if (image.channels !== 3) return image;
  const plane = image.width * image.height;
  const { pixels: from } = image;
  const pixels = new Uint8ClampedArray(from.length);
  for (let i = 0; i < plane; i += 1) {
    const red = from[i] as number;
    const green = from[plane + i] as number;
    const blue = from[2 * plane + i] as number;
    const high = Math.max(red, green, blue);
    const range = high - Math.min(red, green, blue);
    const sixths = hueOf(red, green, blue, high, range) + 6 * turns;
    pixels[i] = onCircle(sixths + 5, high, range);
    pixels[plane + i] = onCircle(sixths + 3, high, range);
    pixels[2 * plane + i] = onCircle(sixths + 1, high, range);
  }
  return withPixels(image, new Uint8Array(pixels.buffer));
}

/** In sixths of a circle from red; 0 for gray. */
function hueOf(red: number, green: number, blue: number, high: number, range: number): number {
  if (range === 0) return 0;
  if (high === red) return (green - blue) / range;
  if (high === green) return 2 + (blue - red) / range;
  return 4 + (red - green) / range;
}

/** high - range * clip(min(k, 4 - k), 0, 1) with k = sixths mod 6: one channel of a hue. */
function onCircle(sixths: number, high: number, range: number): number {
  const k = ((sixths % 6) + 6) % 6;
  return high - range * Math.min(1, Math.max(0, Math.min(k, 4 - k)));
}

/** Luma of each pixel (ITU-R BT.601); the channel itself where there is only one. */
function grays({ channels, width, height, pixels }: Image): Float32Array {
  const plane = width * height;
  const gray = new Float32Array(plane);
  for (let i = 0; i < plane; i += 1) {
    const red = pixels[i] as number;
    gray[i] =
      channels === 3
        ? 0.299 * red + 0.587 * (pixels[plane + i] as number) + 0.114 * (pixels[2 * plane + i] as number)
        : red;
  }
  return gray;
}

/** The same change of every byte, rounded and clipped to 0..255. */
function mapped(image: Image, change: (pixel: number) => number): Image {
  const table = Uint8ClampedArray.from({ length: 256 }, (_, pixel) => change(pixel));
  const pixels = new Uint8Array(image.pixels.length);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = table[image.pixels[i] as number] as number;
  return withPixels(image, pixels);
}
