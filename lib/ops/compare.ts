// Comparisons of two tensors that broadcast to one shape, and choices by them. Flags are ones and zeros of the
// one type that tensors have here; files have a type for them.

import type { OnnxForm, Op, Value } from '../graph.js';
import { affine } from './activation.js';
import { add, binary, multiply, subtract } from './arithmetic.js';
import type { OnnxContext, OnnxLayout, OnnxReader, OnnxReaders } from './onnx-reader.js';
import {
  emitOne,
  floatScalar,
  input,
  neverHomogeneous,
  neverZero,
  zeroWithAll,
  zeroWithAny,
} from './operator.js';

/** Type numbers of the format. */
const FLOAT = 1;
const BOOL = 9;

/** greater: a, b -> 1 where a > b, 0 elsewhere; it has no slope. */
export const greater = (): Op =>
  binary({
    name: 'Greater',
    function: 'greater',
    zero: zeroWithAll,
    homogeneous: neverHomogeneous,
    joint: null,
    partials: [null, null],
    onnx: asFloats('Greater'),
    make: greater,
  });

/** greaterOrEqual: a, b -> 1 where a >= b, 0 elsewhere; it has no slope. */
export const greaterOrEqual = (): Op =>
  binary({
    name: 'GreaterOrEqual',
    function: 'greater_or_equal',
    zero: neverZero,
    homogeneous: neverHomogeneous,
    joint: null,
    partials: [null, null],
    onnx: asFloats('GreaterOrEqual'),
    make: greaterOrEqual,
  });

/** select: a, b -> a where b is not zero, 0 elsewhere, whatever a is there. */
export const select = (): Op =>
  binary({
    name: 'Select',
    function: 'select',
    zero: zeroWithAny,
    homogeneous: ([a, b]) => (a && !b ? 'any' : 'none'),
    joint: null,
    // da = dy where b is not zero
    partials: [(context, dy) => emitOne(context, select(), [dy, input(context, 1)]), null],
    onnx: {
      opType: 'Where',
      attributes: {},
      inputs: [{ before: 0 }, 0, floatScalar(0)],
      before: [{ opType: 'Cast', attributes: { to: BOOL }, inputs: [1] }],
    },
    make: select,
  });

const asFloats = (opType: string): OnnxForm => ({
  opType: 'Cast',
  attributes: { to: FLOAT },
  inputs: [{ before: 0 }],
  before: [{ opType, attributes: {} }],
});

/** Results of comparisons that a file makes. */
const flags = new WeakSet<Value>();

/** Whether `value` is ones and zeros, so that making flags of it, or numbers again, changes nothing. */
export const isFlags = (value: Value): boolean => flags.has(value);

/** The operands `a` and `b` in this order. */
const comparison =
  (op: () => Op, a: 0 | 1, b: 0 | 1): OnnxReader =>
  (context) => {
    const values = context.emit(op(), [context.data(a), context.data(b)]);
    values.forEach((value) => flags.add(value));
    return values;
  };

/** A choice by constant flags is a product with them; else both sides are cut and put together. */
function readWhere(context: OnnxContext): readonly Value[] {
  if (context.constant(0)) return chosen(context, wanted, refused);
  const flag = context.data(0);
  if (!isFlags(flag)) context.decline('its condition is no comparison');
  const yes = context.emit(select(), [context.data(1), flag]);
  if (isZero(context, 2)) return yes;
  // A difference, since a sum would be a joint, and its terms are none that could be left out.
  const negative = context.emit(affine(-1, 0), [context.data(2)]);
  const no = context.emit(select(), [...negative, ...context.emit(affine(1, -1), [flag])]);
  return context.emit(subtract(), [...yes, ...no]);
}

const isZero = (context: OnnxContext, index: number): boolean => {
  const constant = context.constant(index);
  return constant !== null && Array.from(constant.data).every((x) => x === 0);
};

/** Flags as numbers. */
const wanted: OnnxLayout = (tensor) => filled(tensor, 1, 0);
const refused: OnnxLayout = (tensor) => filled(tensor, 0, 1);

/** `yes` where a flag is set and `no` elsewhere. */
const filled = ({ name, stored, shape, data }: Parameters<OnnxLayout>[0], yes: number, no: number) => ({
  name,
  stored,
  dtype: 'float' as const,
  shape,
  data: Float32Array.from(data, (flag) => (flag ? yes : no)),
});

/** By constant flags: what is computed is multiplied by them; one number beside it is added in its places. */
function chosen(context: OnnxContext, yes: OnnxLayout, no: OnnxLayout): readonly Value[] {
  const numbers = [1, 2].map((index) => {
    const constant = context.constant(index);
    return constant?.data.length === 1 ? (constant.data[0] as number) : null;
  });
  const sides = [yes, no].flatMap((layout, side) =>
    numbers[side] === null
      ? [context.emit(multiply(), [context.data(side + 1), context.data(0, layout)])[0] as Value]
      : [],
  );
  const fills = numbers.flatMap((x, side) => {
    if (x === null || x === 0) return [];
    const layout: OnnxLayout = (tensor) => filled(tensor, side === 0 ? x : 0, side === 0 ? 0 : x);
    return [context.data(0, layout)];
  });
  const [first, ...others] = [...sides, ...fills];
  if (!first) return context.decline('it chooses between numbers');
  return [others.reduce((total, term) => context.emit(add(), [total, term])[0] as Value, first)];
}

export const readers: OnnxReaders = {
  Greater: comparison(greater, 0, 1),
  GreaterOrEqual: comparison(greaterOrEqual, 0, 1),
  Less: comparison(greater, 1, 0),
  LessOrEqual: comparison(greaterOrEqual, 1, 0),
  Where: readWhere,
};
