// Repeating a tensor along axes of size one.

import type { NarrowRule, Op, Value } from '../graph.js';
import { broadcast, sameShape, type Shape } from '../shape.js';
import { listed, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import {
  arity,
  input,
  int64Vector,
  linearInFirst,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';
import { unbroadcast } from './reduce.js';

/** expand: x -> y, x broadcast with a tensor of shape `sizes`; 1 leaves an axis as it is. */
export const expand = (sizes: Shape): Op => ({
  name: 'Expand',
  attrs: { sizes },
  infer: (inputs) => {
    arity(inputs, 1, 1);
    const { dtype, shape } = operand(inputs, 0, 'input');
    return [{ dtype, shape: broadcast(shape, sizes) }];
  },
  gradient: (context) => [unbroadcast(context, upstream(context), input(context, 0).type)],
  lower: () => ({ kernel: 'expand', attrs: { factor: 1 } }),
  macs: noMacs,
  onnx: () => ({ opType: 'Expand', attributes: {}, inputs: [0, int64Vector(sizes)] }),
  zero: zeroWithFirst,
  homogeneous: linearInFirst,
  joint: null,
  narrow: narrow(sizes),
  probabilities: null,
  epilogue: null,
  fuse: unfusable,
});

/** Channels stay what they are where only other axes are repeated, and none is put in front. */
const narrow =
  (sizes: Shape): NarrowRule =>
  ([kept = null], [x]) => {
    const rank = x?.shape.length ?? 0;
    if (rank < sizes.length || (sizes.at(1 - rank) ?? 1) !== 1) return null;
    return { op: expand(sizes), slices: [], outputs: [kept] };
  };

/** Sizes that repeat nothing may be the batch's, so they are left to the input. */
function read(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  const target = broadcast(shape, listed(context, 1));
  if (sameShape(shape, target)) return [context.data(0)];
  const missing = target.length - shape.length;
  const sizes = target.map((size, axis) => (size === shape[axis - missing] ? 1 : size));
  return context.emit(expand(sizes), [context.data(0)]);
}

export const readers: OnnxReaders = { Expand: read };
