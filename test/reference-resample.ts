// Cutting and scaling in plain loops: what the addon's is held against. Scaling is separable: rows first, then
// columns, sums in single precision.

import type { Frame, Image } from '../lib/data/image.js';

/** Weighted source positions of each output position along one axis. */
interface Taps {
  readonly first: Int32Array;
  readonly count: number;
  readonly weights: Float32Array; // [output, count]
}

/** Cuts `frame` out of `image` and scales it by the triangle filter. */
export function resample(image: Image, frame: Frame): Image {
  const { channels } = image;
  const { outputWidth, outputHeight } = frame;
  const across = triangleTaps(frame.width, outputWidth);
  const down = triangleTaps(frame.height, outputHeight);
  const narrowed = new Float32Array(frame.height * outputWidth); // [frame.height, outputWidth]
  const pixels = new Uint8Array(channels * outputHeight * outputWidth);
  for (let channel = 0; channel < channels; channel += 1) {
    scaleRows(image, channel, frame, across, narrowed);
    scaleColumns(narrowed, outputWidth, down, pixels.subarray(channel * outputHeight * outputWidth));
  }
  return { channels, height: outputHeight, width: outputWidth, pixels };
}

function scaleRows(image: Image, channel: number, frame: Frame, taps: Taps, out: Float32Array): void {
  const { pixels, width, height } = image;
  const { first, count, weights } = taps;
  for (let y = 0; y < frame.height; y += 1) {
    const row = (channel * height + frame.top + y) * width + frame.left;
    for (let x = 0; x < frame.outputWidth; x += 1) {
      const start = row + (first[x] as number);
      let sum = 0;
      for (let tap = 0; tap < count; tap += 1) {
        const weight = weights[x * count + tap] as number;
        sum += weight * (pixels[start + tap] as number);
      }
      out[y * frame.outputWidth + x] = sum;
    }
  }
}

function scaleColumns(rows: Float32Array, width: number, taps: Taps, out: Uint8Array): void {
  const { first, count, weights } = taps;
  for (let y = 0; y < first.length; y += 1) {
    const start = (first[y] as number) * width;
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let tap = 0; tap < count; tap += 1) {
        const weight = weights[y * count + tap] as number;
        sum += weight * (rows[start + tap * width + x] as number);
      }
      out[y * width + x] = Math.min(255, Math.max(0, Math.round(sum)));
    }
  }
}

/** weight(i) = max(0, 1 - |i + 1/2 - centre| / support), normalised; support = max(1, input / output). */
function triangleTaps(input: number, output: number): Taps {
  const scale = input / output;
  const support = Math.max(1, scale);
  const count = Math.min(input, Math.ceil(support) * 2 + 1);
  const first = new Int32Array(output);
  const weights = new Float32Array(output * count);
  for (let position = 0; position < output; position += 1) {
    const centre = (position + 0.5) * scale;
    const start = Math.min(Math.max(0, Math.floor(centre - support)), input - count);
    const taps = Array.from({ length: count }, (_, tap) =>
      Math.max(0, 1 - Math.abs(start + tap + 0.5 - centre) / support),
    );
    const total = taps.reduce((sum, weight) => sum + weight, 0);
    first[position] = start;
    weights.set(
      taps.map((weight) => weight / total),
      position * count,
    );
  }
  return { first, count, weights };
}
