// Another shape for the same elements in the same order.

import type { NarrowRule, OnnxForm, Op, Value } from '../graph.js';
import { elements, formatShape, sameShape, type Shape, type TensorType } from '../shape.js';
import { batchAxis, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import {
  arity,
  axisOf,
  emitOne,
  gradientOp,
  input,
  int64Vector,
  linearInFirst,
  mismatch,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';

/** The shape of the result for an input of shape `from`; throws ERR_SHAPE where there is none. */
type Target = (from: Shape) => Shape;

/** reshape: x -> y. In `shape`, 0 copies the axis of the input and one -1 takes what is left. */
export const reshape = (shape: Shape): Op =>
  reshaping({
    name: 'Reshape',
    attrs: { shape },
    target: (from) => resolve(shape, from),
    withChannels: (count) => reshape((shape[1] ?? 0) > 0 ? shape.with(1, count) : shape),
    onnx: { opType: 'Reshape', attributes: {}, inputs: [0, int64Vector(shape)] },
  });

/** flatten: x [N, ...] -> y [N, product of the rest]. */
export const flatten = (): Op =>
  reshaping({
    name: 'Flatten',
    attrs: {},
    target: (from) => resolve([0, -1], from),
    withChannels: flatten,
    onnx: { opType: 'Flatten', attributes: { axis: 1 } },
  });

/** squeeze: x -> y without `axes`, which have size one. */
export const squeeze = (axes: readonly number[]): Op =>
  reshaping({
    name: 'Squeeze',
    attrs: { axes },
    target: (from) => squeezed(axes, from),
    withChannels: () => squeeze(axes),
    onnx: { opType: 'Squeeze', attributes: {}, inputs: [0, int64Vector(axes)] },
  });

/** unsqueeze: x -> y with axes of size one at `axes`, counted in the result. */
export const unsqueeze = (axes: readonly number[]): Op =>
  reshaping({
    name: 'Unsqueeze',
    attrs: { axes },
    target: (from) => unsqueezed(axes, from),
    withChannels: () => unsqueeze(axes),
    onnx: { opType: 'Unsqueeze', attributes: {}, inputs: [0, int64Vector(axes)] },
  });

/** dL/dx: dy in the shape of x. */
export const reshapeBackward = (x: TensorType): Op =>
  gradientOp({ name: 'ReshapeBackward', kernel: 'reshape', attrs: {}, outputs: [x] });

interface Reshaping {
  readonly name: string;
  readonly attrs: Op['attrs'];
  readonly target: Target;
  /** The operator for a result that has `count` channels left. */
  readonly withChannels: (count: number) => Op;
  readonly onnx: OnnxForm;
}

function reshaping({ name, attrs, target, withChannels, onnx }: Reshaping): Op {
  return {
    name,
    attrs,
    infer: (inputs) => {
      arity(inputs, 1, 1);
      const x = operand(inputs, 0, 'input');
      return [{ dtype: x.dtype, shape: target(x.shape) }];
    },
    gradient: (context) => [emitOne(context, reshapeBackward(input(context, 0).type), [upstream(context)])],
    lower: () => ({ kernel: 'reshape', attrs: {} }),
    macs: noMacs,
    onnx: () => onnx,
    zero: zeroWithFirst,
    homogeneous: linearInFirst,
    joint: null,
    narrow: narrow(target, withChannels),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
}

/** The shape that `shape`, with its 0 and -1, means for an input of shape `from`. */
export function resolve(shape: Shape, from: Shape): Shape {
  const known = shape.map((size, axis) => (size === 0 ? (from[axis] ?? 0) : size));
  const rest = elements(from) / elements(known.filter((size) => size !== -1));
  const result = known.map((size) => (size === -1 ? rest : size));
  if (elements(result) !== elements(from) || !result.every(Number.isInteger)) {
    mismatch(`${formatShape(from)} does not reshape to ${formatShape(shape)}`);
  }
  return result;
}

function squeezed(axes: readonly number[], from: Shape): Shape {
  const gone = new Set(axes.map((axis) => axisOf(axis, from)));
  for (const axis of gone) {
    if (from[axis] !== 1) mismatch(`axis ${axis} of ${formatShape(from)} has size ${from[axis]}, not 1`);
  }
  return from.filter((_, axis) => !gone.has(axis));
}

function unsqueezed(axes: readonly number[], from: Shape): Shape {
  const result = Array.from({ length: from.length + axes.length }, () => -1);
  for (const axis of axes) result[axisOf(axis, result)] = 1;
  const sizes = from.values();
  return result.map((size) => (size === 1 ? 1 : (sizes.next().value as number)));
}

/**
 * Channels survive where the batch stays apart and axis 1 of the result is made of whole channels of
 * the input: the same ones, or, flattened, `factor` consecutive elements each.
 */
const narrow =
  (target: Target, withChannels: (count: number) => Op): NarrowRule =>
  ([kept = null], [x]) => {
    if (!kept || !x) return null;
    const shape = target(x.shape);
    const factor = (shape[1] ?? 0) / (x.shape[1] as number);
    const flat = shape.length === 2 && Number.isInteger(factor);
    if (shape[0] !== x.shape[0] || !(factor === 1 || flat)) return null;
    const outputs = [expand(kept, factor)];
    return { op: withChannels(outputs[0]?.length ?? 0), slices: [], outputs };
  };

const expand = (kept: readonly number[], factor: number): readonly number[] =>
  kept.flatMap((channel) => Array.from({ length: factor }, (_, index) => channel * factor + index));

/** The target with the axis open that takes the batch, so that a network works at other sizes of it too. */
function readReshape(context: OnnxContext): readonly Value[] {
  const from = context.type(0).shape;
  const shape = Array.from(context.constant(1)?.data ?? context.decline('its shape is not constant'));
  if (context.attributes.int('allowzero', 0) && shape.includes(0)) context.decline('its result is empty');
  const target = resolve(shape, from);
  const place = placeOf(from, context.nextType(0)?.shape ?? from.with(0, (from[0] ?? 1) + 1));
  const axis = place ? axisForBatch(target, from, place) : -1;
  if (axis < 0) return context.emit(reshape(target), [context.data(0)]);
  const copied = axis === 0 && place?.axis === 0 && target[0] === from[0];
  return context.emit(reshape(copied ? shape.with(0, 0) : target.with(axis, -1)), [context.data(0)]);
}

/** Where the batch lies among the elements in their order: `size` images, each of a run of elements. */
interface Place {
  readonly axis: number;
  readonly size: number;
  /** Elements that lie together for one image: at least, and at most (where its axis holds more than the batch). */
  readonly least: number;
  readonly most: number;
}

/** Null where the value does not depend on the batch. */
function placeOf(shape: Shape, next: Shape): Place | null {
  const axis = shape.findIndex((size, k) => size !== next[k]);
  if (axis < 0) return null;
  const share = (next[axis] as number) - (shape[axis] as number);
  const least = elements(shape.slice(axis + 1));
  return { axis, size: (shape[axis] as number) / share, least, most: least * share };
}

/**
 * The axis of a target that takes the batch. Where several could, files do not tell: one that holds nothing
 * else is taken, else the one that has it already where that stays as it is, else the innermost but the last,
 * which holds features.
 */
function axisForBatch(target: Shape, from: Shape, { axis: now, size, least, most }: Place): number {
  const able = [...target.keys()].filter((axis) => {
    const inner = elements(target.slice(axis + 1));
    return (
      (target[axis] as number) % size === 0 &&
      inner <= most &&
      (inner * (target[axis] as number)) / size >= least
    );
  });
  const own = able.find((axis) => target[axis] === size);
  if (own === undefined && sameShape(target.slice(0, now + 1), from.slice(0, now + 1))) return now;
  return own ?? able.findLast((axis) => axis < target.length - 1) ?? able[0] ?? -1;
}

/** Everything before `axis` becomes one axis, the rest another; behind the last axis there is nothing left. */
function readFlatten(context: OnnxContext): readonly Value[] {
  const from = context.type(0).shape;
  const given = context.attributes.int('axis', 1);
  const axis = given === from.length ? given : axisOf(given, from);
  if (axis === 0) context.decline('it mixes the batch with other axes');
  const op = axis === 1 ? flatten() : reshape([-1, elements(from.slice(axis))]);
  return context.emit(op, [context.data(0)]);
}

/** Axes are an input since operator set 13, an attribute before. */
function axesOf(context: OnnxContext): readonly number[] {
  if (!context.given(1)) return context.attributes.ints('axes');
  return Array.from(context.constant(1)?.data ?? context.decline('its axes are not constant'));
}

const inReach = (axes: readonly number[], rank: number): readonly number[] =>
  axes.map((axis) => (axis < 0 ? axis + rank : axis));

/** The axes of size one, of which that of the batch is none even where there is one image. */
function emptyAxes(context: OnnxContext): readonly number[] {
  const { shape } = context.type(0);
  const batch = batchAxis(context);
  return [...shape.keys()].filter((axis) => shape[axis] === 1 && axis !== batch);
}

export const readers: OnnxReaders = {
  Flatten: readFlatten,
  Reshape: readReshape,
  Squeeze: (context) => {
    const stated = context.given(1) || context.attributes.has('axes');
    const axes = stated ? inReach(axesOf(context), context.type(0).shape.length) : emptyAxes(context);
    return context.emit(squeeze(axes), [context.data(0)]);
  },
  Unsqueeze: (context) => {
    const axes = axesOf(context);
    return context.emit(unsqueeze(inReach(axes, context.type(0).shape.length + axes.length)), [
      context.data(0),
    ]);
  },
};
