// Augmentations against their definitions, written as plain loops over single pixels.

import test from 'ava';
import fc from 'fast-check';

import {
  centerCrop,
  cutout,
  horizontalFlip,
  randomCrop,
  randomResizedCrop,
  resize,
} from '../lib/data/augment.js';
import type { Batch } from '../lib/data/batches.js';
import { colorJitter } from '../lib/data/color.js';
import { type Image, resample } from '../lib/data/image.js';
import { cutmix, mixed, mixup, type Mix } from '../lib/data/mix.js';
import { random, type Random } from '../lib/random.js';

const noise = (channels: number, height: number, width: number, seed = 1): Image => {
  const stream = random(seed);
  return {
    channels,
    height,
    width,
    pixels: Uint8Array.from({ length: channels * height * width }, () => stream.below(256)),
  };
};

const gray = (image: Image, level: number): Image => ({ ...image, pixels: image.pixels.map(() => level) });

const pixel = (image: Image, channel: number, y: number, x: number): number =>
  x < 0 || y < 0 || x >= image.width || y >= image.height
    ? 0
    : (image.pixels[(channel * image.height + y) * image.width + x] as number);

/** An image of the same size from a function of its positions. */
const mapped = (image: Image, value: (channel: number, y: number, x: number) => number): Uint8Array =>
  Uint8Array.from(image.pixels, (_, i) => {
    const x = i % image.width;
    const row = Math.floor(i / image.width);
    return value(Math.floor(row / image.height), row % image.height, x);
  });

/** A stream of chosen numbers. */
function scripted(...values: readonly number[]): Random {
  const left = [...values];
  const uniform = (): number => left.shift() ?? 0;
  return { uniform, normal: uniform, below: (bound) => Math.floor(uniform() * bound) };
}

test('randomCrop shifts each way by up to its padding, black outside', (t) => {
  const image = noise(3, 5, 7);
  for (const [right, down] of [
    [-2, -2],
    [2, 1],
    [0, 0],
    [-1, 2],
  ] as const) {
    const stream = scripted((right + 2.5) / 5, (down + 2.5) / 5);
    const expected = mapped(image, (c, y, x) => pixel(image, c, y + down, x + right));
    t.deepEqual(randomCrop(2).apply(image, stream).pixels, expected);
  }
});

test('a padding larger than the image can leave it black, never misplaced', (t) => {
  const image = noise(1, 3, 3);
  for (let seed = 0; seed < 200; seed += 1) {
    const [right, down] = [random(seed).below(19) - 9, 0];
    const stream = random(seed);
    stream.below(19);
    const shiftDown = stream.below(19) - 9;
    const expected = mapped(image, (c, y, x) => pixel(image, c, y + shiftDown + down, x + right));
    t.deepEqual(randomCrop(9).apply(image, random(seed)).pixels, expected);
  }
});

test('horizontalFlip mirrors rows with its probability', (t) => {
  const image = noise(3, 4, 5);
  const mirrored = mapped(image, (c, y, x) => pixel(image, c, y, 4 - x));
  t.deepEqual(horizontalFlip().apply(image, scripted(0.4)).pixels, mirrored);
  t.deepEqual(horizontalFlip().apply(image, scripted(0.6)).pixels, image.pixels);
  t.deepEqual(horizontalFlip(1).apply(image, scripted(0.999)).pixels, mirrored);
});

/** The square of side 4 around column 7 and row 3. */
const inside = (y: number, x: number): boolean => x >= 5 && x < 9 && y >= 1 && y < 5;

test('cutout paints a square around its centre, cut off at the border', (t) => {
  const image = noise(3, 6, 8);
  const painted = cutout(4, [0.1, 0.5, 0.7]).apply(image, scripted(7 / 8, 3 / 6));
  t.deepEqual(
    painted.pixels,
    mapped(image, (c, y, x) => (inside(y, x) ? ([26, 128, 179][c] as number) : pixel(image, c, y, x))),
  );
});

test('augmentations leave the image they are given as it was', (t) => {
  const image = noise(3, 8, 8);
  const before = image.pixels.slice();
  const jitter = colorJitter({ brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.5 });
  for (const step of [
    randomCrop(3),
    horizontalFlip(1),
    cutout(5, [0, 0, 0]),
    resize(4),
    randomResizedCrop(5),
    jitter,
  ]) {
    step.apply(image, random(3));
    t.deepEqual(image.pixels, before, step.name);
  }
});

test('randomResizedCrop cuts inside the image, within its scale and ratio', (t) => {
  const side = fc.integer({ min: 20, max: 400 });
  const property = fc.property(side, side, fc.nat(), (width, height, seed) => {
    const frame = randomResizedCrop(16, [0.2, 0.8], [0.5, 2]).frame(width, height, random(seed));
    const inside = frame.left >= 0 && frame.top >= 0;
    const fits = frame.left + frame.width <= width && frame.top + frame.height <= height;
    const ratio = frame.width / frame.height;
    // Sides are rounded to whole pixels, which moves a ratio by up to half a pixel on each side.
    const slack = 1 + 0.5 / frame.width + 0.5 / frame.height + 0.01;
    return inside && fits && ratio >= 0.5 / slack && ratio <= 2 * slack;
  });
  t.notThrows(() => fc.assert(property));
});

test('randomResizedCrop takes the middle of an image that no try fits', (t) => {
  const frame = randomResizedCrop(16, [1, 1]).frame(1000, 10, random(1));
  t.deepEqual(frame, { left: 493, top: 0, width: 13, height: 10, outputWidth: 16, outputHeight: 16 });
});

test('centerCrop takes the middle square of an image', (t) => {
  const frame = centerCrop(224).frame(500, 400, random());
  t.deepEqual(frame, { left: 75, top: 25, width: 350, height: 350, outputWidth: 224, outputHeight: 224 });
});

test('resampling without a change of size is a cut', (t) => {
  const image = noise(2, 6, 7);
  const cut = resample(image, { left: 2, top: 1, width: 4, height: 3, outputWidth: 4, outputHeight: 3 });
  const expected = [0, 1].flatMap((c) =>
    [1, 2, 3].flatMap((y) => [2, 3, 4, 5].map((x) => pixel(image, c, y, x))),
  );
  t.deepEqual([...cut.pixels], expected);
});

const triangle = (i: number, centre: number, support: number): number =>
  Math.max(0, 1 - Math.abs(i + 0.5 - centre) / support);

// The filter's definition in two dimensions at once; bytes are rounded, sums are in single precision.
test('resampling is the triangle filter, whichever way the size changes', (t) => {
  const image = noise(2, 9, 13);
  for (const [outputWidth, outputHeight] of [
    [5, 4],
    [20, 17],
    [13, 3],
    [6, 18],
  ] as const) {
    const whole = { left: 1, top: 2, width: 11, height: 7, outputWidth, outputHeight };
    const scaled = resample(image, whole);
    const expected = mapped(scaled, (c, y, x) => {
      const [scaleX, scaleY] = [11 / outputWidth, 7 / outputHeight];
      let [sum, total] = [0, 0];
      for (let v = 0; v < 7; v += 1) {
        for (let u = 0; u < 11; u += 1) {
          const w =
            triangle(u, (x + 0.5) * scaleX, Math.max(1, scaleX)) *
            triangle(v, (y + 0.5) * scaleY, Math.max(1, scaleY));
          sum += w * pixel(image, c, v + 2, u + 1);
          total += w;
        }
      }
      return Math.round(sum / total);
    });
    const largest = Math.max(...scaled.pixels.map((found, i) => Math.abs(found - (expected[i] as number))));
    t.true(largest <= 1, `${outputWidth}x${outputHeight}: ${largest}`);
  }
});

// colours

test('brightness and contrast change every pixel by their formulas', (t) => {
  const image = noise(1, 4, 4);
  // Draws: the order of the four changes (3 numbers, 0.99 keeps it), then the factor 1 + (2u - 1) * range.
  const bright = colorJitter({ brightness: 0.5 }).apply(image, scripted(0.99, 0.99, 0.99, 0.75));
  t.deepEqual(bright.pixels, Uint8Array.from(Uint8ClampedArray.from(image.pixels, (p) => p * 1.25)));
  const mean = image.pixels.reduce((sum, p) => sum + p, 0) / 16;
  const flat = colorJitter({ contrast: 1 }).apply(image, scripted(0.99, 0.99, 0.99, 0.25));
  t.deepEqual(
    flat.pixels,
    Uint8Array.from(Uint8ClampedArray.from(image.pixels, (p) => 0.5 * p + 0.5 * mean)),
  );
});

test('without saturation an image is gray, and gray images have no hue to turn', (t) => {
  const image = noise(3, 4, 4);
  const faded = colorJitter({ saturation: 1 }).apply(image, scripted(0.99, 0.99, 0.99, 0));
  t.deepEqual(faded.pixels.subarray(0, 16), faded.pixels.subarray(16, 32));
  const level = gray(image, 77);
  t.deepEqual(colorJitter({ hue: 0.5 }).apply(level, random(4)).pixels, level.pixels);
});

test('a third of a circle of hue carries red to green, green to blue and blue to red', (t) => {
  const image = noise(3, 8, 8);
  const turned = colorJitter({ hue: 1 / 3 }).apply(image, scripted(0.99, 0.99, 0.99, 1));
  const plane = 64;
  t.deepEqual(turned.pixels.subarray(plane, 2 * plane), image.pixels.subarray(0, plane));
  t.deepEqual(turned.pixels.subarray(2 * plane), image.pixels.subarray(plane, 2 * plane));
  t.deepEqual(turned.pixels.subarray(0, plane), image.pixels.subarray(2 * plane));
});

// mixing

/** Three images of one level each, 0, 1 and 2, and an empty row. */
const threeImages = (): Batch => ({
  images: Float32Array.from({ length: 4 * 2 * 3 * 3 }, (_, i) => Math.floor(i / 18)),
  labels: Int32Array.from([2, 0, 1, -1]),
  count: 3,
});

const mix = (
  mixing: Mix,
  batch: Batch,
  shape: readonly [number, number, number],
  seed: number,
): Promise<Batch> => mixed(batch, mixing.draw(shape, random(seed)), () => Promise.resolve());

test('mixup mixes each image with the one before it, and its label alike', async (t) => {
  const batch = threeImages();
  const found = await mix(mixup(0.4, 3), threeImages(), [2, 3, 3], 5);
  const targets = found.targets as Float32Array;
  const kept = targets[2] as number;
  t.true(kept > 0 && kept < 1);
  t.deepEqual([...targets.subarray(9)], [0, 0, 0]);
  t.deepEqual([...found.images.subarray(54)], [...batch.images.subarray(54)]);
  for (const [row, partner] of [
    [0, 2],
    [1, 0],
    [2, 1],
  ] as const) {
    t.is(targets[row * 3 + (batch.labels[row] as number)], Math.fround(kept));
    // Rounding of the target to single precision, times the largest pixel.
    const value = found.images[row * 18] as number;
    t.true(Math.abs(value - (kept * row + (1 - kept) * partner)) < 1e-6);
  }
});

test('cutmix takes a rectangle of the one before it, and labels by area', async (t) => {
  const batch = threeImages();
  for (let seed = 0; seed < 20; seed += 1) {
    const found = await mix(cutmix(1, 3), threeImages(), [2, 3, 3], seed);
    const targets = found.targets as Float32Array;
    for (const [row, partner] of [
      [0, 2],
      [1, 0],
      [2, 1],
    ] as const) {
      const pixels = [...found.images.subarray(row * 18, (row + 1) * 18)];
      const foreign = pixels.filter((value) => value === partner).length / 18;
      t.is(pixels.filter((value) => value === row).length / 18, 1 - foreign);
      t.is(targets[row * 3 + (batch.labels[partner] as number)], Math.fround(foreign));
    }
  }
});

// Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)); 4,000 draws put four standard errors below 0.03.
test('mixup draws from the Beta distribution of its parameter', (t) => {
  for (const alpha of [0.2, 1, 3]) {
    const draws = Array.from(
      { length: 4000 },
      (_, seed) => mixup(alpha, 2).draw([1, 1, 1], random(seed)).kept,
    );
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
    t.true(Math.abs(mean - 0.5) < 0.03, `${alpha}: mean ${mean}`);
    t.true(Math.abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.01, `${alpha}: variance ${variance}`);
  }
});
