// Surrounding a tensor by a constant. The gradient is slicing's kernel.

import type { NarrowRule, OnnxForm, Op } from '../graph.js';
import { dim, type TensorType } from '../shape.js';
import {
  arity,
  axisOf,
  channelwise,
  emitOne,
  floatScalar,
  gradientOp,
  input,
  int64Vector,
  linearInFirst,
  mismatch,
  neverHomogeneous,
  neverZero,
  noMacs,
  operand,
  resized,
  unfusable,
  upstream,
  zeroWithFirst,
} from './operator.js';

const CHANNELS = 1;

/** Along axis `axes[k]`: before[k] and after[k] elements of `value` around x. */
export interface Pad {
  readonly axes: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Zero unless told. */
  readonly value?: number;
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
    homogeneous: value === 0 ? linearInFirst : neverHomogeneous,
    joint: null,
    narrow: axes.some((axis) => axis <= CHANNELS)
      ? narrowPadded(() => op, attributes)
      : channelwise(() => op),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** dL/dx: the part of dy where x went. */
export const padBackward = ({ axes, before }: Pad, x: TensorType): Op =>
  gradientOp({
    name: 'PadBackward',
    kernel: 'slice',
    attrs: { axes, starts: before, steps: ones(axes) },
    outputs: [x],
  });

const ones = (axes: readonly number[]): readonly number[] => axes.map(() => 1);

function padded({ axes, before, after }: Pad, inputs: readonly TensorType[]): TensorType {
  arity(inputs, 1, 1);
  const { dtype, shape } = operand(inputs, 0, 'input');
  axes.forEach((axis, k) => {
    axisOf(axis, shape);
    const [first, last] = [before[k] as number, after[k] as number];
    if (first < 0 || last < 0) mismatch(`padding ${first} and ${last} of axis ${axis} is not positive`);
  });
  const grown = (size: number, k: number): number => size + (before[k] as number) + (after[k] as number);
  return { dtype, shape: resized(shape, axes, grown) };
}

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

function padForm({ axes, before, after, value }: Required<Pad>, rank: number): OnnxForm {
  const all = (sizes: readonly number[]) => resized(zeros(rank), axes, (_, k) => sizes[k] as number);
  return {
    opType: 'Pad',
    attributes: {},
    inputs: [0, int64Vector([...all(before), ...all(after)]), floatScalar(value)],
  };
}

const zeros = (length: number): readonly number[] => Array.from({ length }, () => 0);
