// Another shape for the same elements in the same order.

import type { Kept, Narrowed, NarrowRule, OnnxForm, Op } from '../graph.js';
import { elements, formatShape, type Shape, type TensorType } from '../shape.js';
import {
  arity,
  emitOne,
  gradientOp,
  input,
  int64Vector,
  mismatch,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';

/** reshape: x -> y. In `shape`, 0 copies the axis of the input and one -1 takes what is left. */
export const reshape = (shape: Shape): Op =>
  reshaping('Reshape', { shape }, shape, {
    opType: 'Reshape',
    attributes: {},
    inputs: [0, int64Vector(shape)],
  });

/** flatten: x [N, ...] -> y [N, product of the rest]. */
export const flatten = (): Op =>
  reshaping('Flatten', {}, [0, -1], { opType: 'Flatten', attributes: { axis: 1 } });

/** dL/dx: dy in the shape of x. */
export const reshapeBackward = (x: TensorType): Op =>
  gradientOp({ name: 'ReshapeBackward', kernel: 'reshape', attrs: {}, outputs: [x] });

function reshaping(name: string, attrs: Op['attrs'], target: Shape, onnx: OnnxForm): Op {
  const op: Op = {
    name,
    attrs,
    infer: (inputs) => {
      arity(inputs, 1, 1);
      const x = operand(inputs, 0, 'input');
      return [{ dtype: x.dtype, shape: resolve(target, x.shape) }];
    },
    gradient: (context) => [emitOne(context, reshapeBackward(input(context, 0).type), [upstream(context)])],
    lower: () => ({ kernel: 'reshape', attrs: {} }),
    macs: noMacs,
    onnx: () => onnx,
    zero: zeroWithFirst,
    joint: null,
    narrow: narrow(() => op, target),
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** The shape that `target` means for an input of shape `from`. */
export function resolve(target: Shape, from: Shape): Shape {
  const known = target.map((size, axis) => (size === 0 ? (from[axis] ?? 0) : size));
  const rest = elements(from) / elements(known.filter((size) => size !== -1));
  const shape = known.map((size) => (size === -1 ? rest : size));
  if (elements(shape) !== elements(from) || !shape.every(Number.isInteger)) {
    mismatch(`${formatShape(from)} does not reshape to ${formatShape(target)}`);
  }
  return shape;
}

/**
 * Channels survive where the batch stays apart and axis 1 of the result is made of whole channels of
 * the input: the same ones, or, flattened, `factor` consecutive elements each.
 */
const narrow =
  (op: () => Op, target: Shape): NarrowRule =>
  ([kept = null], [x]) => {
    if (!x) return null;
    if (!kept) return { op: op(), slices: [], outputs: [null] };
    const shape = resolve(target, x.shape);
    const factor = (shape[1] ?? 0) / (x.shape[1] as number);
    const flat = shape.length === 2 && Number.isInteger(factor);
    if (shape[0] !== x.shape[0] || !(factor === 1 || flat)) return null;
    return narrowed(op(), target, expand(kept, factor));
  };

/** A target that names the number of channels must name the new one. */
function narrowed(op: Op, target: Shape, kept: readonly number[]): Narrowed {
  const named = (target[1] ?? 0) > 0;
  return { op: named ? reshape(target.with(1, kept.length)) : op, slices: [], outputs: [kept] };
}

const expand = (kept: readonly number[], factor: number): NonNullable<Kept> =>
  kept.flatMap((channel) => Array.from({ length: factor }, (_, index) => channel * factor + index));
