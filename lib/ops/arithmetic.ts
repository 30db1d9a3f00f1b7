// Addition, subtraction, multiplication and division of two tensors that broadcast to one shape, by
// ONNX's rules, and the factory for all such functions. Sums of equal shapes have their own file, since
// kernels do more for them.

import type { GradientContext, Kept, NarrowRule, OnnxForm, Op, ParameterSlice, Value } from '../graph.js';
import { broadcast, elements, sameType, type Shape, type TensorType } from '../shape.js';
import { affine, power } from './activation.js';
import { channelWeight } from './normalised.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import {
  arity,
  emitOne,
  gradientOp,
  input,
  linearInAll,
  linearInEach,
  mismatch,
  noMacs,
  operand,
  output,
  unfusable,
  upstream,
  zeroWithAll,
  zeroWithAny,
} from './operator.js';
import { unbroadcast } from './reduce.js';
import { sum } from './sum.js';

const CHANNELS = 1;

/** What distinguishes one function of two numbers from another. */
export interface Binary {
  readonly name: string;
  /** The kernel's name of it. */
  readonly function: string;
  readonly zero: Op['zero'];
  readonly homogeneous: Op['homogeneous'];
  readonly joint: Op['joint'];
  /** dL/da and dL/db, still in the shape of the result; null where zero. */
  readonly partials: readonly [Partial | null, Partial | null];
  /** A node of ONNX that is called as ours, unless told. */
  readonly onnx?: OnnxForm;
  readonly make: () => Op;
}

type Partial = (context: GradientContext, dy: Value) => Value;

/** add: a, b -> a + b */
export const add = (): Op =>
  binary({
    name: 'Add',
    function: 'add',
    zero: zeroWithAll,
    homogeneous: linearInAll,
    joint: 'sum',
    partials: [(_, dy) => dy, (_, dy) => dy],
    make: add,
  });

/** subtract: a, b -> a - b */
export const subtract = (): Op =>
  binary({
    name: 'Sub',
    function: 'sub',
    zero: zeroWithAll,
    homogeneous: linearInAll,
    joint: null,
    partials: [(_, dy) => dy, negated],
    make: subtract,
  });

/** multiply: a, b -> a b */
export const multiply = (): Op =>
  binary({
    name: 'Mul',
    function: 'mul',
    zero: zeroWithAny,
    homogeneous: linearInEach,
    joint: null,
    partials: [
      (context, dy) => factorGradient(context, dy, 0),
      (context, dy) => factorGradient(context, dy, 1),
    ],
    make: multiply,
  });

/** divide: a, b -> a / b */
export const divide = (): Op =>
  binary({
    name: 'Div',
    function: 'div',
    // Zero by zero is no number.
    zero: ([a, b]) => a === true && b === false,
    homogeneous: ([a, b]) => (a && !b ? 'any' : 'none'),
    joint: null,
    // da = dy / b and db = -dy (a / b) / b
    partials: [
      (context, dy) => emitOne(context, divide(), [dy, input(context, 1)]),
      (context, dy) => {
        const product = emitOne(context, multiply(), [dy, output(context, 0)]);
        return negated(context, emitOne(context, divide(), [product, input(context, 1)]));
      },
    ],
    make: divide,
  });

/** dL/da = dy b, and dL/db = dy a; of one number the inner product, in one pass. */
function factorGradient(context: GradientContext, dy: Value, index: 0 | 1): Value {
  const [factor, other] = [input(context, index), input(context, 1 - index)];
  const number = factor.type.shape.length <= 1 && elements(factor.type.shape) === 1;
  const op = number && sameType(dy.type, other.type) ? dot(factor.type) : multiply();
  return emitOne(context, op, [dy, other]);
}

const dot = (result: TensorType): Op =>
  gradientOp({ name: 'Dot', kernel: 'dot', attrs: {}, outputs: [result] });

const negated = (context: GradientContext, dy: Value): Value => emitOne(context, affine(-1, 0), [dy]);

/** A function of two numbers as an operator on two tensors. */
export function binary(definition: Binary): Op {
  const { name, function: kind, zero, homogeneous, joint, partials, make } = definition;
  const form = definition.onnx ?? { opType: name, attributes: {} };
  return {
    name,
    attrs: {},
    infer: (inputs) => [result(inputs)],
    gradient: (context) => gradient(partials, context),
    lower: () => ({ kernel: 'binary', attrs: { function: kind } }),
    macs: noMacs,
    onnx: () => form,
    zero,
    homogeneous,
    joint,
    narrow: narrow(make),
    probabilities: null,
    epilogue: null,
    fuse: unfusable,
  };
}

function result(inputs: readonly TensorType[]): TensorType {
  arity(inputs, 2, 2);
  const [a, b] = [operand(inputs, 0, 'the first operand'), operand(inputs, 1, 'the second operand')];
  if (a.dtype !== b.dtype) mismatch(`the operands are ${a.dtype} and ${b.dtype}`);
  return { dtype: a.dtype, shape: broadcast(a.shape, b.shape) };
}

const gradient = (partials: Binary['partials'], context: GradientContext): readonly (Value | null)[] =>
  partials.map((partial, index) => {
    if (!partial || !context.needs(index)) return null;
    return unbroadcast(context, partial(context, upstream(context)), input(context, index).type);
  });

/**
 * Operands that have channels must lose the same ones. One that keeps all of its channels is sliced,
 * which works where it is a parameter; one without channels of its own stays as it is.
 */
const narrow =
  (make: () => Op): NarrowRule =>
  (kept, inputs) => {
    const rank = Math.max(...inputs.map((type) => type.shape.length));
    const axes = inputs.map((type) => channelAxis(type.shape, rank));
    const [lost] = kept.filter((k) => k !== null);
    // A data operand of lower rank has something else on axis 1.
    if (!lost || inputs.some((_, index) => kept[index] && axes[index] !== CHANNELS)) return null;
    if (!kept.every((k) => k === null || same(k, lost))) return null;
    const slices = axes.flatMap((axis, input): ParameterSlice[] =>
      axis === null || kept[input] ? [] : [{ input, axis, keep: lost }],
    );
    return { op: make(), slices, outputs: [lost] };
  };

/** The axis of an operand that meets axis 1 of the result; null where it repeats there. */
function channelAxis(shape: Shape, rank: number): number | null {
  const axis = CHANNELS - (rank - shape.length);
  return (shape[axis] ?? 1) === 1 ? null : axis;
}

const same = (a: readonly number[], b: NonNullable<Kept>): boolean =>
  a.length === b.length && a.every((channel, index) => channel === b[index]);

/** The one number that operand `index` holds, or null. */
function scalar(context: OnnxContext, index: number): number | null {
  const constant = context.constant(index);
  const other = context.type(1 - index).shape;
  return constant?.data.length === 1 && constant.shape.length <= other.length
    ? (constant.data[0] as number)
    : null;
}

/** With one constant number: `left` for a and a value, `right` for a value and b; else `both` of them. */
const reader =
  (left: (a: number) => Op, right: (b: number) => Op, both: () => Op) =>
  (context: OnnxContext): readonly Value[] => {
    const [a, b] = [scalar(context, 0), scalar(context, 1)];
    if (b !== null) return context.emit(right(b), [context.data(0)]);
    if (a !== null) return context.emit(left(a), [context.data(1)]);
    return context.emit(both(), [context.data(0), context.data(1)]);
  };

const shift = (b: number): Op => affine(1, b);
const scale = (b: number): Op => affine(b, 0);
const readAdd = reader(shift, shift, add);
const readScale = reader(scale, scale, multiply);

/**
 * A number is a constant, but a vector of one number among the file's weights is trained: a gate. So is a vector of
 * one number a channel after a normalisation: its scale.
 */
function readProduct(context: OnnxContext): readonly Value[] {
  const scale = channelWeight(context);
  if (scale !== null) return context.emit(multiply(), [context.data(1 - scale), context.trained(scale)]);
  const gate = [0, 1].find((index) => {
    const constant = context.constant(index);
    return constant?.stored && constant.shape.length === 1;
  });
  return gate !== undefined && scalar(context, gate) !== null
    ? context.emit(multiply(), [context.data(1 - gate), context.trained(gate)])
    : readScale(context);
}

/**
 * Of two computed values of one shape, at any batch size, it is a sum, for which kernels do more. The vector beside
 * what was normalised is its shift.
 */
function readSum(context: OnnxContext): readonly Value[] {
  const shift = channelWeight(context);
  if (shift !== null) return context.emit(add(), [context.data(1 - shift), context.trained(shift)]);
  const computed = [0, 1].every((index) => context.constant(index) === null);
  return computed && alike(context)
    ? context.emit(sum(), [context.data(0), context.data(1)])
    : readAdd(context);
}

/** A value that is made of constants has one row where the batch has one image by chance. */
function alike(context: OnnxContext): boolean {
  if (!sameType(context.type(0), context.type(1))) return false;
  const [a, b] = [context.nextType(0), context.nextType(1)];
  return a === null || b === null || sameType(a, b);
}

export const readers: OnnxReaders = {
  Add: readSum,
  Sub: reader(
    (a) => affine(-1, a),
    (b) => affine(1, -b),
    subtract,
  ),
  Mul: readProduct,
  Div: (context) => {
    const numerator = scalar(context, 0);
    if (numerator !== null) {
      const [inverse] = context.emit(power(-1), [context.data(1)]);
      return numerator === 1 ? [inverse as Value] : context.emit(scale(numerator), [inverse as Value]);
    }
    return reader(scale, (b) => affine(1 / b, 0), divide)(context);
  },
};
