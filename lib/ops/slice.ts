// Taking a regular part of a tensor and surrounding a tensor by a constant; each is the other's gradient.

import type { NarrowRule, OnnxForm, Op, Value } from '../graph.js';
import { dim, type Shape, type TensorType } from '../shape.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import {
  arity,
  axisOf,
  channelwise,
  emitOne,
  floatScalar,
  gradientOp,
  input,
  int64Vector,
  mismatch,
  neverZero,
  noMacs,
  operand,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';
import { squeeze } from './reshape.js';

const CHANNELS = 1;

/** Along axis `axes[k]`: elements starts[k] + i steps[k] for i below sizes[k]. Nothing counts from the end. */
export interface Slice {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  /** Ones unless told; may be negative. */
  readonly steps?: readonly number[];
}

/** Along axis `axes[k]`: before[k] and after[k] elements of `value` around x. */
export interface Pad {
  readonly axes: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Zero unless told. */
  readonly value?: number;
}

/** slice: x -> y, shaped like x but for `sizes` along `axes`. */
export function slice(options: Slice): Op {
  const attributes = { ...options, steps: options.steps ?? options.axes.map(() => 1) };
  const { axes, starts, sizes, steps } = attributes;
  const op: Op = {
    name: 'Slice',
    attrs: { axes, starts, sizes, steps },
    infer: (inputs) => [sliced(attributes, inputs)],
    gradient: (context) => [
      emitOne(context, sliceBackward(attributes, input(context, 0).type), [upstream(context)]),
    ],
    lower: () => ({ kernel: 'slice', attrs: { axes, starts, steps } }),
    macs: noMacs,
    onnx: () => sliceForm(attributes),
    zero: zeroWithFirst,
    joint: null,
    narrow: axes.some((axis) => axis <= CHANNELS) ? narrowSliced(attributes) : channelwise(() => op),
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** pad: x -> y, larger by before + after along `axes`. */
export function pad(options: Pad): Op {
  const attributes = { ...options, value: options.value ?? 0 };
  const { axes, before, after, value } = attributes;
  const op: Op = {
    name: 'Pad',
    attrs: { axes, before, after, value },
    infer: (inputs) => [padded(attributes, inputs)],
    gradient: (context) => [
      emitOne(context, padBackward(attributes, input(context, 0).type), [upstream(context)]),
    ],
    lower: () => ({ kernel: 'pad', attrs: { axes, starts: before, steps: ones(axes), value } }),
    macs: noMacs,
    onnx: ([x]) => padForm(attributes, x?.shape.length ?? 0),
    zero: value === 0 ? zeroWithFirst : neverZero,
    joint: null,
    narrow: axes.some((axis) => axis <= CHANNELS)
      ? narrowPadded(() => op, attributes)
      : channelwise(() => op),
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** dL/dx: dy where the slice was taken from, zero elsewhere. */
export const sliceBackward = ({ axes, starts, steps }: Required<Slice>, x: TensorType): Op =>
  gradientOp({
    name: 'SliceBackward',
    kernel: 'pad',
    attrs: { axes, starts, steps, value: 0 },
    outputs: [x],
  });

/** dL/dx: the part of dy where x went. */
export const padBackward = ({ axes, before }: Pad, x: TensorType): Op =>
  gradientOp({
    name: 'PadBackward',
    kernel: 'slice',
    attrs: { axes, starts: before, steps: ones(axes) },
    outputs: [x],
  });

const ones = (axes: readonly number[]): readonly number[] => axes.map(() => 1);

function sliced({ axes, starts, sizes, steps }: Required<Slice>, inputs: readonly TensorType[]): TensorType {
  arity(inputs, 1, 1);
  const { dtype, shape } = operand(inputs, 0, 'input');
  axes.forEach((axis, k) => {
    const size = dim(shape, axisOf(axis, shape));
    const [first, count] = [starts[k] as number, sizes[k] as number];
    const last = first + (count - 1) * (steps[k] as number);
    if (count >= 1 && Math.min(first, last) >= 0 && Math.max(first, last) < size) return;
    mismatch(`elements ${first} to ${last} do not exist along axis ${axis} of size ${size}`);
  });
  return { dtype, shape: replaced(shape, axes, (_, k) => sizes[k] as number) };
}

function padded({ axes, before, after }: Pad, inputs: readonly TensorType[]): TensorType {
  arity(inputs, 1, 1);
  const { dtype, shape } = operand(inputs, 0, 'input');
  axes.forEach((axis, k) => {
    axisOf(axis, shape);
    const [first, last] = [before[k] as number, after[k] as number];
    if (first < 0 || last < 0) mismatch(`padding ${first} and ${last} of axis ${axis} is not positive`);
  });
  const grown = (size: number, k: number): number => size + (before[k] as number) + (after[k] as number);
  return { dtype, shape: replaced(shape, axes, grown) };
}

const replaced = (shape: Shape, axes: readonly number[], size: (old: number, k: number) => number): Shape =>
  shape.map((old, axis) => (axes.includes(axis) ? size(old, axes.indexOf(axis)) : old));

/** What is left of a run of channels is a run of those that are left. */
const narrowSliced =
  ({ axes, starts, sizes, steps = [] }: Slice): NarrowRule =>
  ([kept = null]) => {
    if (!kept || axes.length !== 1 || axes[0] !== CHANNELS || steps[0] !== 1) return null;
    const [first, count] = [starts[0] as number, sizes[0] as number];
    const inside = kept.filter((channel) => channel >= first && channel < first + count);
    if (inside.length === 0) return null;
    const start = kept.filter((channel) => channel < first).length;
    return {
      op: slice({ axes, starts: [start], sizes: [inside.length] }),
      slices: [],
      outputs: [inside.map((channel) => channel - first)],
    };
  };

/** Padding stays, and the channels between it move behind the padding before them. */
const narrowPadded =
  (op: () => Op, { axes, before, after }: Pad): NarrowRule =>
  ([kept = null], [x]) => {
    if (!kept || !x || axes.length !== 1 || axes[0] !== CHANNELS) return null;
    const [first, last] = [before[0] as number, after[0] as number];
    const end = first + dim(x.shape, CHANNELS);
    const moved = kept.map((channel) => first + channel);
    return { op: op(), slices: [], outputs: [[...range(0, first), ...moved, ...range(end, last)]] };
  };

const range = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i);

/** ONNX names the first element that is not taken; counting down, zero must be passed by. */
function sliceForm({ axes, starts, sizes, steps }: Required<Slice>): OnnxForm {
  const ends = starts.map((start, k) => start + (sizes[k] as number) * (steps[k] as number));
  const named = ends.map((end) => (end < 0 ? -(2 ** 31) : end));
  return {
    opType: 'Slice',
    attributes: {},
    inputs: [0, int64Vector(starts), int64Vector(named), int64Vector(axes), int64Vector(steps)],
  };
}

function padForm({ axes, before, after, value }: Required<Pad>, rank: number): OnnxForm {
  const all = (sizes: readonly number[]) => replaced(zeros(rank), axes, (_, k) => sizes[k] as number);
  return {
    opType: 'Pad',
    attributes: {},
    inputs: [0, int64Vector([...all(before), ...all(after)]), floatScalar(value)],
  };
}

const zeros = (length: number): readonly number[] => Array.from({ length }, () => 0);

/** The numbers that constant input `index` lists. */
function listed(context: OnnxContext, index: number): readonly number[] {
  return Array.from(context.constant(index)?.data ?? context.decline(`input ${index} is not constant`));
}

/** ONNX counts negative positions from the end and moves those beyond an end to it. */
function readSlice(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  const [first, last] = [listed(context, 1), listed(context, 2)];
  const axes = context.given(3) ? listed(context, 3).map((axis) => axisOf(axis, shape)) : [...first.keys()];
  const steps = context.given(4) ? listed(context, 4) : first.map(() => 1);
  const starts = axes.map((axis, k) => inside(first[k] as number, dim(shape, axis), steps[k] as number));
  const sizes = axes.map((axis, k) => {
    const end = inside(last[k] as number, dim(shape, axis), steps[k] as number);
    return Math.ceil((end - (starts[k] as number)) / (steps[k] as number));
  });
  if (axes.every((axis, k) => sizes[k] === shape[axis] && steps[k] === 1)) return [context.data(0)];
  return context.emit(slice({ axes, starts, sizes, steps }), [context.data(0)]);
}

function inside(position: number, size: number, step: number): number {
  const front = position < 0 ? position + size : position;
  return step > 0 ? Math.min(Math.max(front, 0), size) : Math.min(Math.max(front, -1), size - 1);
}

function readPad(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  const mode = context.attributes.string('mode', 'constant');
  if (mode !== 'constant') context.decline(`its mode '${mode}' is not supported`);
  const pads = listed(context, 1);
  if (pads.some((size) => size < 0)) context.decline('it cuts as well as pads');
  const value = context.given(2) ? (listed(context, 2)[0] ?? 0) : 0;
  const all = context.given(3) ? listed(context, 3).map((axis) => axisOf(axis, shape)) : [...shape.keys()];
  const grown = [...all.keys()].filter((k) => pads[k] || pads[k + all.length]);
  if (grown.length === 0) return [context.data(0)];
  const pick = (from: number): readonly number[] => grown.map((k) => pads[from + k] as number);
  const op = pad({
    axes: grown.map((k) => all[k] as number),
    before: pick(0),
    after: pick(all.length),
    value,
  });
  return context.emit(op, [context.data(0)]);
}

/** One position along an axis, or a run of them. */
function readGather(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(0);
  const axis = axisOf(context.attributes.int('axis', 0), shape);
  const indices = listed(context, 1).map((index) => (index < 0 ? index + dim(shape, axis) : index));
  const [start = 0] = indices;
  const rank = context.type(1).shape.length;
  if (rank > 1 || !indices.every((index, k) => index === start + k))
    context.decline('its indices are no run');
  const taken = context.emit(slice({ axes: [axis], starts: [start], sizes: [indices.length] }), [
    context.data(0),
  ]);
  return rank === 0 ? context.emit(squeeze([axis]), taken) : taken;
}

export const readers: OnnxReaders = { Gather: readGather, Pad: readPad, Slice: readSlice };
