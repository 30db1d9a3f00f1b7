// Taking a regular part of a tensor. The gradient is padding's kernel.

import type { NarrowRule, OnnxForm, Op, Value } from '../graph.js';
import { dim, type TensorType } from '../shape.js';
import { listed, requireApart, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import { cutsOf, type Cut } from './onnx-slice.js';
import {
  arity,
  axisOf,
  channelwise,
  emitOne,
  gradientOp,
  input,
  int64Vector,
  linearInFirst,
  mismatch,
  noMacs,
  operand,
  resized,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';

const CHANNELS = 1;

/** Along axis `axes[k]`: elements starts[k] + i steps[k] for i below sizes[k]. Nothing counts from the end. */
export interface Slice {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  /** Ones unless told; may be negative. */
  readonly steps?: readonly number[];
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
    homogeneous: linearInFirst,
    joint: null,
    narrow: axes.some((axis) => axis <= CHANNELS) ? narrowSliced(attributes) : channelwise(() => op),
    probabilities: null,
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
  return { dtype, shape: resized(shape, axes, (_, k) => sizes[k] as number) };
}

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

function readSlice(context: OnnxContext): readonly Value[] {
  const cuts = cutsIn(context);
  if (cuts.length === 0) return [context.data(0)];
  if (cuts.some(({ length }) => length <= 0)) context.decline('it takes nothing');
  const axes = cuts.map(({ axis }) => axis);
  const starts = cuts.map(({ start }) => start);
  const sizes = cuts.map(({ length }) => length);
  const steps = cuts.map(({ step }) => step);
  return context.emit(slice({ axes, starts, sizes, steps }), [context.data(0)]);
}

/** The axes of which something goes, however many images there are. */
function cutsIn(context: OnnxContext): readonly Cut[] {
  const { shape } = context.type(0);
  const [starts, ends] = [listed(context, 1), listed(context, 2)];
  const axes = context.given(3) ? listed(context, 3) : [...starts.keys()];
  const steps = context.given(4) ? listed(context, 4) : starts.map(() => 1);
  const cuts = cutsOf({ starts, ends, axes, steps }, shape, (axis) => axisOf(axis, shape), mismatch);
  const some = cuts.filter((cut, k) => !isOpen(cut, ends[k] as number));
  requireApart(context, ...some.map(({ axis }) => axis));
  return some.filter(({ axis, step, length }) => length !== shape[axis] || step !== 1);
}

/** Ends from here on are how files say that there is none. */
const openEnd = 2 ** 31 - 1;

/** Whether it takes everything, whatever the size. */
const isOpen = ({ start, step }: Cut, end: number): boolean => start === 0 && step === 1 && end >= openEnd;

export const readers: OnnxReaders = { Slice: readSlice };
