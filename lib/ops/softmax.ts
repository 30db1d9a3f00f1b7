// Softmax along one axis, as attention uses it; the loss has its own, fused with cross-entropy.

import type { Op } from '../graph.js';
import type { TensorType } from '../shape.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import {
  alike,
  arity,
  axisOf,
  channelwise,
  emitOne,
  gradientOp,
  input,
  neverHomogeneous,
  neverZero,
  noMacs,
  output,
  unfusable,
  upstream,
} from './operator.js';

/** softmax: x -> y = exp(x) / sum of exp(x) along `axis`. */
export function softmax(axis: number): Op {
  const op: Op = {
    name: 'Softmax',
    attrs: { axis },
    infer: (inputs) => {
      arity(inputs, 1, 1);
      const x = alike(inputs);
      axisOf(axis, x.shape);
      return [x];
    },
    gradient: (context) => [
      emitOne(context, softmaxBackward(axis, input(context, 0).type), [
        upstream(context),
        output(context, 0),
      ]),
    ],
    lower: () => ({ kernel: 'softmax', attrs: { axis } }),
    macs: noMacs,
    onnx: () => ({ opType: 'Softmax', attributes: { axis } }),
    zero: neverZero,
    homogeneous: neverHomogeneous,
    joint: null,
    // Along the channels, those that are gone would still count in the denominator.
    narrow: axis > 1 ? channelwise(() => op) : null,
    probabilities: axis,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** dL/dx = y (dy - sum of dy y along the axis) */
export const softmaxBackward = (axis: number, x: TensorType): Op =>
  gradientOp({ name: 'SoftmaxBackward', kernel: 'softmax_backward', attrs: { axis }, outputs: [x] });

/** Before operator set 13 all axes from `axis` on were taken together, and it was 1 by default. */
export function readSoftmaxAxis(context: OnnxContext): number {
  const { shape } = context.type(0);
  const together = context.opset < 13;
  const axis = axisOf(context.attributes.int('axis', together ? 1 : -1), shape);
  if (together && axis !== shape.length - 1) context.decline('it takes several axes together');
  return axis;
}

export const readers: OnnxReaders = {
  Softmax: (context) => context.emit(softmax(readSoftmaxAxis(context)), [context.data(0)]),
};
