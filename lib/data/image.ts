// One image in memory and the only geometry done on it: cutting a rectangle and scaling it.
// Augmentations and data sets build on this file; it knows neither.

import { invariant } from '../errors.js';
import { native } from '../train/native.js';

/** 8-bit planes, `pixels` is [C, H, W] row-major. Never changed once made. */
export interface Image {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/** Which rectangle of an image to take, in whole pixels, and the size to scale it to. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly outputWidth: number;
  readonly outputHeight: number;
}

/** Chooses a frame once the size of an image is known. */
export type ChooseFrame = (width: number, height: number) => Frame;

/** A fresh image of the same size as `image`, with other pixels. */
export const withPixels = (image: Image, pixels: Uint8Array): Image => ({ ...image, pixels });

/**
 * Cuts `frame` out of `image` and scales it by the triangle filter, whose support widens when
 * shrinking, so that no source pixel is skipped.
 */
export function resample(image: Image, frame: Frame): Image {
  const { channels } = image;
  const { outputWidth: width, outputHeight: height } = frame;
  invariant(
    frame.left >= 0 &&
      frame.top >= 0 &&
      frame.left + frame.width <= image.width &&
      frame.top + frame.height <= image.height,
    `frame ${JSON.stringify(frame)} leaves an image of ${image.width}x${image.height}`,
  );
  const pixels = new Uint8Array(channels * height * width);
  native().resamplePixels(image.pixels, image, frame, pixels);
  return { channels, height, width, pixels };
}
