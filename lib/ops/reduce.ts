// Sums and means over whole axes.

import type { GradientContext, OnnxForm, Op, Value } from '../graph.js';
import { dim, elements, sameShape, type Shape, type TensorType } from '../shape.js';
import { abs, affine, clip, log, power, sqrt } from './activation.js';
import type { OnnxContext, OnnxReader, OnnxReaders } from './onnx-reader.js';
import {
  arity,
  axisOf,
  channelwise,
  emitOne,
  gradientOp,
  input,
  int64Vector,
  linearInFirst,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';
import { globalAveragePool, maxPool } from './pooling.js';
import { reshape } from './reshape.js';

export interface Reduction {
  /** Counted from the front. */
  readonly axes: readonly number[];
  /** Whether the axes stay, at size one; true unless told. */
  readonly keep?: boolean;
}

/** reduceSum: x -> y, the sum over `axes`. */
export const reduceSum = ({ axes, keep = true }: Reduction): Op =>
  reduction('ReduceSum', 'sum', axes, keep, {
    opType: 'ReduceSum',
    attributes: { keepdims: keep ? 1 : 0 },
    inputs: [0, int64Vector(axes)],
  });

/** reduceMean: x -> y, the mean over `axes`. */
export const reduceMean = ({ axes, keep = true }: Reduction): Op =>
  reduction('ReduceMean', 'mean', axes, keep, {
    opType: 'ReduceMean',
    attributes: { keepdims: keep ? 1 : 0 },
    inputs: [0, int64Vector(axes)],
  });

function reduction(
  name: string,
  kind: 'sum' | 'mean',
  axes: readonly number[],
  keep: boolean,
  onnx: OnnxForm,
): Op {
  const op: Op = {
    name,
    attrs: { axes, keep },
    infer: (inputs) => {
      arity(inputs, 1, 1);
      const { dtype, shape } = operand(inputs, 0, 'input');
      axes.forEach((axis) => axisOf(axis, shape));
      const shrunk = reduced(shape, axes);
      return [{ dtype, shape: keep ? shrunk : shrunk.filter((_, axis) => !axes.includes(axis)) }];
    },
    gradient: (context) => [gradient(kind, axes, context)],
    lower: () => ({ kernel: 'reduce', attrs: { axes, function: kind } }),
    macs: noMacs,
    onnx: () => onnx,
    zero: zeroWithFirst,
    homogeneous: linearInFirst,
    joint: null,
    narrow: axes.every((axis) => axis > 1) ? channelwise(() => op) : null,
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

const reduced = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((size, axis) => (axes.includes(axis) ? 1 : size));

/** dL/dx = dy, over the number of elements for a mean, at all places that were reduced. */
function gradient(kind: 'sum' | 'mean', axes: readonly number[], context: GradientContext): Value {
  const { type } = input(context, 0);
  const count = elements(axes.map((axis) => dim(type.shape, axis)));
  const aligned = shaped(context, upstream(context), reduced(type.shape, axes));
  return emitOne(context, expandBackward(type, kind === 'mean' ? 1 / count : 1), [aligned]);
}

const expandBackward = (x: TensorType, factor: number): Op =>
  gradientOp({ name: 'ReduceBackward', kernel: 'expand', attrs: { factor }, outputs: [x] });

/** `value` in another shape of the same elements. */
function shaped(context: GradientContext, value: Value, shape: Shape): Value {
  const outputs = [{ dtype: value.type.dtype, shape }];
  const reshape = gradientOp({ name: 'ReshapeBackward', kernel: 'reshape', attrs: {}, outputs });
  return value.type.shape.length === shape.length ? value : emitOne(context, reshape, [value]);
}

/** The gradient of broadcasting: `value` summed down to `type`, which broadcasts to it. */
export function unbroadcast(context: GradientContext, value: Value, type: TensorType): Value {
  const { shape } = value.type;
  const shift = shape.length - type.shape.length;
  const axes = [...shape.keys()].filter((axis) => axis < shift || type.shape[axis - shift] !== shape[axis]);
  if (axes.length === 0) return value;
  const attrs = { axes, function: 'sum' };
  const sum = gradientOp({ name: 'Unbroadcast', kernel: 'reduce', attrs, outputs: [type] });
  return emitOne(context, sum, [value]);
}

/** Axes are an attribute or, in later operator sets, an input. */
function readAxes(context: OnnxContext): readonly number[] {
  const { shape } = context.type(0);
  const listed = context.given(1)
    ? Array.from(context.constant(1)?.data ?? context.decline('its axes are not constant'))
    : context.attributes.ints('axes', []);
  if (listed.length === 0) context.decline('it reduces the batch too');
  return listed.map((axis) => axisOf(axis, shape));
}

/** The mean over the pixels of images has a kernel of its own. */
function readMean(context: OnnxContext): readonly Value[] {
  const axes = readAxes(context);
  const keep = context.attributes.int('keepdims', 1) === 1;
  const pixels = context.type(0).shape.length === 4 && axes.length === 2 && axes.every((axis) => axis > 1);
  return context.emit(pixels && keep ? globalAveragePool() : reduceMean({ axes, keep }), [context.data(0)]);
}

function summed(context: OnnxContext, values: readonly Value[]): readonly Value[] {
  const keep = context.attributes.int('keepdims', 1) === 1;
  return context.emit(reduceSum({ axes: readAxes(context), keep }), values);
}

const readSum = (context: OnnxContext): readonly Value[] => summed(context, [context.data(0)]);

/** The sum of what `op` makes of each element. */
const sumOf =
  (op: () => Op): OnnxReader =>
  (context) =>
    summed(context, context.emit(op(), [context.data(0)]));

/** The smallest number in single precision that has all its digits. */
const smallest = 2 ** -126;

/** The root of the sum of squares, which is not let down to zero, where the root has no slope. */
function readNorm(context: OnnxContext): readonly Value[] {
  const sums = summed(context, context.emit(power(2), [context.data(0)]));
  return context.emit(sqrt(), context.emit(clip(smallest, Infinity), sums));
}

/** The maximum over whole axes beside each other, as pooling over a window of their size. */
function readLargest(context: OnnxContext, x: Value): readonly Value[] {
  const { shape } = x.type;
  const axes = readAxes(context).toSorted((a, b) => a - b);
  const [first = 0] = axes;
  if (first === 0) context.decline('it reduces the batch too');
  if (axes.some((axis, k) => axis !== first + k)) context.decline('its axes are not beside each other');
  const shrunk = reduced(shape, axes);
  const result =
    context.attributes.int('keepdims', 1) === 1 ? shrunk : shrunk.filter((_, axis) => !axes.includes(axis));
  const pooled = shape.length === 4 && first > 1 ? poolPixels(context, x, axes) : poolRun(context, x, axes);
  if (sameShape(pooled.type.shape, result)) return [pooled];
  return context.emit(reshape([0, ...result.slice(1)]), [pooled]);
}

function poolPixels(context: OnnxContext, x: Value, axes: readonly number[]): Value {
  const [height, width] = [2, 3].map((axis) => (axes.includes(axis) ? dim(x.type.shape, axis) : 1));
  return context.emit(maxPool({ kernel: [height ?? 1, width ?? 1] }), [x])[0] as Value;
}

/** As images whose height is all those axes, whose channels come before them, and whose width comes after. */
function poolRun(context: OnnxContext, x: Value, axes: readonly number[]): Value {
  const { shape } = x.type;
  const [first, end] = [axes[0] ?? 0, (axes.at(-1) ?? 0) + 1];
  const parts = [shape.slice(1, first), shape.slice(first, end), shape.slice(end)].map(elements);
  const image = context.emit(reshape([0, ...parts]), [x]);
  return context.emit(maxPool({ kernel: [parts[1] ?? 1, 1] }), image)[0] as Value;
}

function readSmallest(context: OnnxContext): readonly Value[] {
  const [negative] = context.emit(affine(-1, 0), [context.data(0)]);
  return context.emit(affine(-1, 0), readLargest(context, negative as Value));
}

export const readers: OnnxReaders = {
  ReduceL1: sumOf(abs),
  ReduceL2: readNorm,
  ReduceLogSum: (context) => context.emit(log(), readSum(context)),
  ReduceMax: (context) => readLargest(context, context.data(0)),
  ReduceMean: readMean,
  ReduceMin: readSmallest,
  ReduceSum: readSum,
  ReduceSumSquare: sumOf(() => power(2)),
};
