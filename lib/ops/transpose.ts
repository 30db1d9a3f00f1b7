// Another order of the axes.

import type { Op } from '../graph.js';
import { dim, type TensorType } from '../shape.js';
import type { OnnxReaders } from './onnx-reader.js';
import {
  arity,
  axisOf,
  channelwise,
  emitOne,
  linearInFirst,
  mismatch,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';

/** transpose: x -> y, whose axis i is axis permutation[i] of x. */
export function transpose(permutation: readonly number[]): Op {
  const op: Op = {
    name: 'Transpose',
    attrs: { permutation },
    infer: (inputs) => [transposed(permutation, inputs)],
    gradient: (context) => [emitOne(context, transpose(inverse(permutation)), [upstream(context)])],
    lower: () => ({ kernel: 'transpose', attrs: { permutation } }),
    macs: noMacs,
    onnx: () => ({ opType: 'Transpose', attributes: { perm: permutation } }),
    zero: zeroWithFirst,
    homogeneous: linearInFirst,
    joint: null,
    // Channels must stay where they are looked for.
    narrow: permutation[0] === 0 && permutation[1] === 1 ? channelwise(() => op) : null,
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

function transposed(permutation: readonly number[], inputs: readonly TensorType[]): TensorType {
  arity(inputs, 1, 1);
  const { dtype, shape } = operand(inputs, 0, 'input', permutation.length);
  const axes = new Set(permutation.map((axis) => axisOf(axis, shape)));
  if (axes.size !== shape.length) mismatch(`${permutation.join()} is not an order of ${shape.length} axes`);
  return { dtype, shape: permutation.map((axis) => dim(shape, axis)) };
}

const inverse = (permutation: readonly number[]): readonly number[] =>
  permutation.map((_, axis) => permutation.indexOf(axis));

export const readers: OnnxReaders = {
  Transpose: (context) => {
    const reversed = [...context.type(0).shape.keys()].toReversed();
    return context.emit(transpose(context.attributes.ints('perm', reversed)), [context.data(0)]);
  },
};
