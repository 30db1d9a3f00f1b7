// Normalisation by what neighbouring channels hold, as AlexNet had it: x / (bias + alpha mean of squares)^beta. The
// mean over a window of channels is pooling over height once the channels are it.

import type { Value } from '../graph.js';
import { elements } from '../shape.js';
import { affine, power } from './activation.js';
import { multiply } from './arithmetic.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import { averagePool } from './pooling.js';
import { reshape } from './reshape.js';

function read(context: OnnxContext): readonly Value[] {
  const { attributes } = context;
  const { shape } = context.type(0);
  const [, channels = 0, ...pixels] = shape;
  const size = attributes.int('size');
  const before = Math.floor((size - 1) / 2);
  const window = averagePool({
    kernel: [size, 1],
    strides: [1, 1],
    padding: [before, 0, size - 1 - before, 0],
    countIncludePad: true,
  });
  const x = context.data(0);
  const squares = context.emit(power(2), [x]);
  const columns = context.emit(reshape([0, 1, channels, elements(pixels)]), squares);
  const means = context.emit(reshape([0, ...shape.slice(1)]), context.emit(window, columns));
  const sums = context.emit(affine(attributes.float('alpha', 1e-4), attributes.float('bias', 1)), means);
  return context.emit(multiply(), [x, ...context.emit(power(-attributes.float('beta', 0.75)), sums)]);
}

export const readers: OnnxReaders = { LRN: read };
