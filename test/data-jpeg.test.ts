// JPEG files through the addon. The oracles: the frame cut in JavaScript out of the whole picture, and sharp's
// decoder for what the addon leaves to it.

import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp, { type JpegOptions, type Sharp } from 'sharp';

import { randomResizedCrop } from '../lib/data/augment.js';
import type { ChooseFrame, Frame, Image } from '../lib/data/image.js';
import { decode } from '../lib/data/decode.js';
import { decodeOther } from '../lib/data/other-images.js';
import { random } from '../lib/random.js';
import { native, type NativePicture } from '../lib/train/native.js';
import { resample } from './reference-resample.js';

/** Smooth noise in colour, so that chroma differs from pixel to pixel. */
function picture(width: number, height: number, seed = 1): Sharp {
  const stream = random(seed);
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => stream.below(256));
  return sharp(pixels, { raw: { width, height, channels: 3 } }).blur(2);
}

const whole = (width: number, height: number): Frame => ({
  left: 0,
  top: 0,
  width,
  height,
  outputWidth: width,
  outputHeight: height,
});

const folder = mkdtempSync(join(tmpdir(), 'halfspace-jpeg-'));
test.after.always(() => rmSync(folder, { recursive: true }));
let files = 0;

/** The path of a file of these bytes. */
async function written(file: Uint8Array): Promise<string> {
  const path = join(folder, `${(files += 1)}.jpg`);
  await writeFile(path, file);
  return path;
}

const decoded = async (file: Uint8Array, choose: ChooseFrame): Promise<Image> =>
  decode(await written(file), choose);

const differences = (a: Image, b: Image): readonly number[] =>
  Array.from(a.pixels, (value, i) => Math.abs(value - (b.pixels[i] as number)));

const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), 0);

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

const kinds: Readonly<Record<string, JpegOptions>> = {
  'with colours at half the resolution': { chromaSubsampling: '4:2:0' },
  'with colours at full resolution': { chromaSubsampling: '4:4:4' },
  'that is progressive': { progressive: true },
};

// Both round to bytes once; single-precision sums in another order may fall on the other side. Frames are less
// than four times the size they are scaled to, where scaling while decoding begins.
for (const [kind, options] of Object.entries(kinds)) {
  test(`a frame of a JPEG ${kind} is the frame cut from the whole picture`, async (t) => {
    const file = await picture(131, 90).jpeg(options).toBuffer();
    const full = await decoded(file, whole);
    for (let seed = 0; seed < 40; seed += 1) {
      const frame = randomResizedCrop(34 + random(seed).below(70)).frame(131, 90, random(seed, 1));
      const cut = await decoded(file, () => frame);
      t.true(largest(differences(cut, resample(full, frame))) <= 1, JSON.stringify(frame));
    }
  });
}

test('a gray JPEG comes out as three equal planes', async (t) => {
  const file = await picture(40, 30).toColourspace('b-w').jpeg().toBuffer();
  const { pixels } = await decoded(file, whole);
  t.deepEqual(pixels.subarray(0, 1200), pixels.subarray(1200, 2400));
  t.deepEqual(pixels.subarray(0, 1200), pixels.subarray(2400));
});

// The decoder halves by its own transform, which differs from the triangle filter by a few levels.
test('a picture much larger than its frame is scaled while it is decoded', async (t) => {
  const file = await picture(1000, 800).jpeg({ quality: 95 }).toBuffer();
  const full = await decoded(file, whole);
  for (const frame of [
    { left: 0, top: 0, width: 1000, height: 800, outputWidth: 50, outputHeight: 50 },
    { left: 101, top: 67, width: 811, height: 643, outputWidth: 33, outputHeight: 40 },
    { left: 333, top: 5, width: 402, height: 795, outputWidth: 64, outputHeight: 100 },
  ]) {
    const difference = mean(differences(await decoded(file, () => frame), resample(full, frame)));
    t.true(difference < 1, `${JSON.stringify(frame)}: ${difference}`);
  }
});

test('a JPEG for printing is left to the other decoder', async (t) => {
  const file = await picture(40, 30).toColourspace('cmyk').jpeg().toBuffer();
  t.deepEqual(await native().openImage(await written(file)), Uint8Array.from(file));
  t.deepEqual(await decoded(file, whole), await decodeOther(file, whole));
});

/** The same file, declared to be of another size. */
async function declared(width: number, height: number): Promise<Uint8Array> {
  const file = await picture(64, 48).jpeg({ progressive: true }).toBuffer();
  const at = file.indexOf(Buffer.from([0xff, 0xc2])) + 5;
  file.writeUInt16BE(height, at);
  file.writeUInt16BE(width, at + 2);
  return file;
}

test('a size that a file cannot hold is refused before memory is taken for it', async (t) => {
  const file = await declared(65_000, 65_000);
  const frame = whole(32, 32);
  await t.throwsAsync(
    decoded(file, () => frame),
    {
      code: 'ERR_DATA',
      message: /\.jpg: cannot be decoded as an image \(65000x65000 pixels are more than 268435456\)$/,
    },
  );
});

test('a file that ends too early or is none is refused with what the decoder says', async (t) => {
  const file = await picture(64, 48).jpeg().toBuffer();
  for (const [bytes, message] of [
    [file.subarray(0, 700), /Premature end/],
    [file.subarray(0, 3), /./],
    [Uint8Array.of(0xff, 0xd8, 0xff, 0x00, 0x01), /./],
    [Uint8Array.of(1, 2, 3), /\.jpg: cannot be decoded as an image \(.*unsupported image format/],
  ] as const) {
    await t.throwsAsync(decoded(bytes, whole), { code: 'ERR_DATA', message });
  }
});

test('random changes of a file are decoded or refused, and never more than that', async (t) => {
  const file = await picture(64, 48).jpeg({ progressive: true }).toBuffer();
  for (let seed = 0; seed < 300; seed += 1) {
    const stream = random(seed);
    const changed = Uint8Array.from(file);
    for (let i = 0; i < 3; i += 1) changed[stream.below(changed.length)] = stream.below(256);
    try {
      const frame = randomResizedCrop(16);
      const image = await decoded(changed, (width, height) => frame.frame(width, height, stream));
      t.is(image.pixels.length, 768);
    } catch (error) {
      t.is((error as { code?: string }).code, 'ERR_DATA');
    }
  }
});

test('what memory depends on is checked', async (t) => {
  const addon = native() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const { openImage, decodeJpeg } = addon as { [name: string]: (...args: unknown[]) => unknown };
  const path = await written(await picture(64, 48).jpeg().toBuffer());
  const opened = async (): Promise<unknown> => ((await native().openImage(path)) as NativePicture).picture;
  const once = await opened();
  const frame = whole(64, 48);
  t.throws(() => openImage?.(7), { message: 'path must be a string' });
  t.throws(() => decodeJpeg?.('x', frame, new Uint8Array(9216)), { message: /^picture must be/ });
  t.throws(() => decodeJpeg?.(once, frame, new Uint8Array(5)), {
    message: 'out must have 9216 bytes, has 5',
  });
  t.throws(() => decodeJpeg?.(once, { ...frame, width: 0 }, new Uint8Array(9216)), { message: /^width/ });
  t.throws(() => decodeJpeg?.(once, undefined, new Uint8Array(9216)), { message: 'frame must be an object' });
  await decodeJpeg?.(once, frame, new Uint8Array(9216));
  t.throws(() => decodeJpeg?.(once, frame, new Uint8Array(9216)), { message: /decoded already/ });
  t.throws(() => addon['normalizePixels']?.(new Uint8Array(6), new Float32Array(512), new Float32Array(5)), {
    message: 'pixels, table and out do not belong together',
  });
  t.throws(() => addon['mirrorPixels']?.(new Uint8Array(6), 4, new Uint8Array(6)), {
    message: 'pixels, width and out do not belong together',
  });
  const outside = await opened();
  await t.throwsAsync(async () => decodeJpeg?.(outside, { ...frame, left: 1 }, new Uint8Array(9216)), {
    message: 'a frame of 64x48 at 1,0 leaves an image of 64x48',
  });
});
