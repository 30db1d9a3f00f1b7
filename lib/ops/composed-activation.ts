// Functions that files have an operator for and this library says by several: there is no operator of these
// names here.

import type { Value } from '../graph.js';
import { clip, log } from './activation.js';
import { multiply, subtract } from './arithmetic.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import { reduceSum } from './reduce.js';
import { readSoftmaxAxis, softmax } from './softmax.js';

/** The smallest number in single precision that has all its digits. */
const smallest = 2 ** -126;

/**
 * x - log(sum of exp(x)). Of p, the softmax, x - log p is that logarithm in every place, and its mean weighted by
 * p is exact: where p has lost its digits it has no weight.
 */
function readLogSoftmax(context: OnnxContext): readonly Value[] {
  const x = context.data(0);
  const axis = readSoftmaxAxis(context);
  const p = context.emit(softmax(axis), [x]);
  const logarithms = context.emit(log(), context.emit(clip(smallest, Infinity), p));
  const weighted = context.emit(multiply(), [...p, ...context.emit(subtract(), [x, ...logarithms])]);
  return context.emit(subtract(), [x, ...context.emit(reduceSum({ axes: [axis] }), weighted)]);
}

export const readers: OnnxReaders = {
  LogSoftmax: readLogSoftmax,
};
