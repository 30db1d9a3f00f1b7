// Taking a regular part of a tensor and surrounding a tensor by a constant; each is the other's gradient.

import type { GradientContext, Kept, Narrowed, NarrowRule, OnnxForm, Op, Value } from '../graph.js';
import { dim, type Shape, type TensorType } from '../shape.js';
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
export function slice(attributes: Slice): Op {
  const { axes, starts, sizes, steps = axes.map(() => 1) } = attributes;
  const op: Op = {
    name: 'Slice',
    attrs: { axes, starts, sizes, steps },
    infer: (inputs) => [sliced({ axes, starts, sizes, steps }, inputs)],
    gradient: (context) => [sliceGradient(axes, starts, steps, context)],
    lower: () => ({ kernel: 'slice', attrs: { axes, starts, steps } }),
    macs: noMacs,
    onnx: () => sliceForm({ axes, starts, sizes, steps }),
    zero: zeroWithFirst,
    joint: null,
    narrow: narrowByAxes(axes, () => op, narrowSliced({ axes, starts, sizes, steps })),
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}

/** pad: x -> y, larger by before + after along `axes`. */
export function pad(attributes: Pad): Op {
  const { axes, before, after, value = 0 } = attributes;
  const steps = axes.map(() => 1);
  const op: Op = {
    name: 'Pad',
    attrs: { axes, before, after, value },
    infer: (inputs) => [padded(attributes, inputs)],
    gradient: (context) => [padGradient(axes, before, context)],
    lower: () => ({ kernel: 'pad', attrs: { axes, starts: before, steps, value } }),
    macs: noMacs,
    onnx: ([x]) => padForm(attributes, x?.shape.length ?? 0),
    zero: value === 0 ? zeroWithFirst : neverZero,
    joint: null,
    narrow: narrowByAxes(axes, () => op, narrowPadded(op => op, attributes)),
    epilogue: null,
    fuse: unfusable,
  };
  return op;
}
