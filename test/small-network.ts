// Small programs for tests of the session: a network that a page of plain loops can repeat, and one
// that only takes long.

import { assemble, type DraftStep } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import type { Program } from '../lib/compile/program.js';
import { f32, type Shape } from '../lib/shape.js';

const GEOMETRY = { strides: [1, 1], padding: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };

/** images [2,3,6,6] -> conv 3x3 to 5 channels, relu -> flatten -> linear to 4 -> scores [2,4]. */
export const SMALL = { batch: 2, channels: 3, size: 6, features: 5, classes: 4 } as const;

const CONV_WEIGHTS = SMALL.features * SMALL.channels * 9;
const FLAT = SMALL.features * SMALL.size ** 2;
const LINEAR_WEIGHTS = SMALL.classes * FLAT;

/** Elements of the arena `parameters`: conv weight and bias, linear weight and bias. */
export const SMALL_PARAMETERS = CONV_WEIGHTS + SMALL.features + LINEAR_WEIGHTS + SMALL.classes;

/** Entry `forward`, images -> scores. */
export function smallProgram(): Program {
  const { batch, channels, size, features, classes } = SMALL;
  let used = 0;
  const parameter = (name: string, shape: Shape) => {
    const offset = used;
    used += shape.reduce((product, n) => product * n, 1);
    return tensor(name, f32(shape), { kind: 'arena', arena: 0, offset });
  };
  const weights = [
    parameter('conv.weight', [features, channels, 3, 3]),
    parameter('conv.bias', [features]),
    parameter('linear.weight', [classes, FLAT]),
    parameter('linear.bias', [classes]),
  ] as const;
  const images = tensor('images', f32([batch, channels, size, size]), { kind: 'input' });
  const maps = tensor('maps', f32([batch, features, size, size]), { kind: 'temporary' });
  const flat = tensor('flat', f32([batch, FLAT]), { kind: 'temporary' });
  const scores = tensor('scores', f32([batch, classes]), { kind: 'output' });
  const convAttrs = { ...GEOMETRY, epilogue: 'relu' };
  const steps: DraftStep[] = [
    {
      kernel: 'conv',
      inputs: [images, weights[0], weights[1]],
      outputs: [maps],
      attrs: convAttrs,
      label: 'conv',
    },
    { kernel: 'reshape', inputs: [maps], outputs: [flat], attrs: {}, label: 'flatten' },
    {
      kernel: 'linear',
      inputs: [flat, weights[2], weights[3]],
      outputs: [scores],
      attrs: {},
      label: 'linear',
    },
  ];
  return assemble(
    'cpu',
    [{ name: 'parameters', dtype: 'f32', length: used }],
    [{ name: 'forward', inputs: [images], outputs: [scores], steps }],
  );
}

/** The same in float64 by plain loops; `p` are the parameters. */
export function smallScores(images: Float32Array, p: Float32Array): Float64Array {
  const { batch, classes } = SMALL;
  const linear = CONV_WEIGHTS + SMALL.features;
  const scores = new Float64Array(batch * classes);
  for (let n = 0; n < batch; n += 1) {
    const maps = smallMaps(images, p, n);
    for (let k = 0; k < classes; k += 1) {
      let sum = p[linear + LINEAR_WEIGHTS + k] as number;
      maps.forEach((value, i) => (sum += value * (p[linear + k * FLAT + i] as number)));
      scores[n * classes + k] = sum;
    }
  }
  return scores;
}

/** relu(conv(image n)), features by rows by columns. */
function smallMaps(images: Float32Array, p: Float32Array, n: number): number[] {
  const { channels, size, features } = SMALL;
  const pixel = (c: number, y: number, x: number): number =>
    y < 0 || x < 0 || y >= size || x >= size
      ? 0
      : (images[((n * channels + c) * size + y) * size + x] as number);
  const maps: number[] = [];
  for (let o = 0; o < features; o += 1)
    for (let y = 0; y < size; y += 1)
      for (let x = 0; x < size; x += 1) {
        let sum = p[CONV_WEIGHTS + o] as number;
        for (let c = 0; c < channels; c += 1)
          for (let tap = 0; tap < 9; tap += 1)
            sum +=
              pixel(c, y + Math.floor(tap / 3) - 1, x + (tap % 3) - 1) *
              (p[(o * channels + c) * 9 + tap] as number);
        maps.push(Math.max(0, sum));
      }
  return maps;
}

/** Entry `work`: `depth` convolutions of 32 channels one after another; image -> result. */
export function longProgram(depth: number): Program {
  const shape: Shape = [8, 32, 32, 32];
  const weight = tensor('weight', f32([32, 32, 3, 3]), { kind: 'arena', arena: 0, offset: 0 });
  const image = tensor('image', f32(shape), { kind: 'input' });
  const result = tensor('result', f32(shape), { kind: 'output' });
  const between = Array.from({ length: depth - 1 }, (_, i) =>
    tensor(`between${i}`, f32(shape), { kind: 'temporary' }),
  );
  const chain = [image, ...between, result];
  const steps = chain.slice(1).map((output, i) => ({
    kernel: 'conv',
    inputs: [chain[i] ?? image, weight],
    outputs: [output],
    attrs: GEOMETRY,
    label: `conv${i}`,
  }));
  const arenas = [{ name: 'parameters', dtype: 'f32', length: 32 * 32 * 9 } as const];
  return assemble('cpu', arenas, [{ name: 'work', inputs: [image], outputs: [result], steps }]);
}

/** Elements of the input of `longProgram`. */
export const LONG_INPUT = 8 * 32 * 32 * 32;
