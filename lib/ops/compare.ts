// The larger and the smaller of two tensors that broadcast to one shape, comparisons, and choices by them.
// Flags are ones and zeros of the one type that tensors have here; files have a type for them.

import type { GradientContext, OnnxForm, OnnxSource, Op, Value } from '../graph.js';
import { affine, clip } from './activation.js';
import { add, binary, subtract, type Binary } from './arithmetic.js';
import { isMadeBy } from './kernel-of.js';
import type { OnnxContext, OnnxLayout, OnnxReader, OnnxReaders } from './onnx-reader.js';
import {
  emitOne,
  floatScalar,
  input,
  neverHomogeneous,
  neverZero,
  zeroWithAll,
  zeroWithAny,
  zeroWithFirst,
} from './operator.js';

/** Type numbers of the format. */
const FLOAT = 1;
const BOOL = 9;

/** maximum: a, b -> the larger of both */
export const maximum = (): Op =>
  binary({
    name: 'Max',
    function: 'max',
    zero: zeroWithAll,
    homogeneous: positiveInAll,
    joint: null,
    // da = dy where a >= b, db = dy where b > a
    partials: [
      (context, dy) => dyWhere(context, dy, greaterOrEqual(), 0, 1),
      (context, dy) => dyWhere(context, dy, greater(), 1, 0),
    ],
    make: maximum,
  });

/** minimum: a, b -> the smaller of both */
export const minimum = (): Op =>
  binary({
    name: 'Min',
    function: 'min',
    zero: zeroWithAll,
    homogeneous: positiveInAll,
    joint: null,
    // da = dy where b >= a, db = dy where a > b
    partials: [
      (context, dy) => dyWhere(context, dy, greaterOrEqual(), 1, 0),
      (context, dy) => dyWhere(context, dy, greater(), 0, 1),
    ],
    make: minimum,
  });

const positiveInAll: Op['homogeneous'] = (scaled) => (scaled.every(Boolean) ? 'positive' : 'none');

/** dy where input `left` compares to input `right`, zero elsewhere. */
function dyWhere(context: GradientContext, dy: Value, comparison: Op, left: 0 | 1, right: 0 | 1): Value {
  const flags = emitOne(context, comparison, [input(context, left), input(context, right)]);
  return emitOne(context, select(), [dy, flags]);
}

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
  choice({ name: 'Select', function: 'select', zero: zeroWithAny, make: select, sides: [0, floatScalar(0)] });

/** reject: a, b -> a where b is zero, 0 elsewhere, whatever a is there. */
export const reject = (): Op =>
  choice({
    name: 'Reject',
    function: 'reject',
    zero: zeroWithFirst,
    make: reject,
    sides: [floatScalar(0), 0],
  });

interface Choice extends Pick<Binary, 'name' | 'function' | 'zero' | 'make'> {
  /** What it is where b is not zero, and where it is. */
  readonly sides: readonly [OnnxSource, OnnxSource];
}

const choice = ({ sides, ...definition }: Choice): Op =>
  binary({
    ...definition,
    homogeneous: ([a, b]) => (a && !b ? 'any' : 'none'),
    joint: null,
    // da is chosen of dy as y is of a
    partials: [(context, dy) => emitOne(context, definition.make(), [dy, input(context, 1)]), null],
    onnx: {
      opType: 'Where',
      attributes: {},
      inputs: [{ before: 0 }, ...sides],
      before: [{ opType: 'Cast', attributes: { to: BOOL }, inputs: [1] }],
    },
  });

const asFloats = (opType: string): OnnxForm => ({
  opType: 'Cast',
  attributes: { to: FLOAT },
  inputs: [{ before: 0 }],
  before: [{ opType, attributes: {} }],
});

/** Whether `value` is ones and zeros, so that making flags of it, or numbers again, changes nothing. */
export const isFlags = (value: Value): boolean => isMadeBy(value, 'binary', 'greater', 'greater_or_equal');

/** The operands `a` and `b` in this order. */
const comparison =
  (op: () => Op, a: 0 | 1, b: 0 | 1): OnnxReader =>
  (context) =>
    context.emit(op(), [context.data(a), context.data(b)]);

/** Both sides are cut and put together. What is not wanted never enters a product: it may be no number. */
function readWhere(context: OnnxContext): readonly Value[] {
  if (context.constant(0)) return chosen(context);
  const flag = context.data(0);
  if (!isFlags(flag)) context.decline('its condition is no comparison');
  if (isZero(context, 1)) return context.emit(reject(), [context.data(2), flag]);
  const yes = context.emit(select(), [context.data(1), flag]);
  if (isZero(context, 2)) return yes;
  // A difference, since a sum would be a joint, and its terms are none that could be left out.
  const negative = context.emit(affine(-1, 0), [context.data(2)]);
  return context.emit(subtract(), [...yes, ...context.emit(reject(), [...negative, flag])]);
}

const isZero = (context: OnnxContext, index: number): boolean => {
  const constant = context.constant(index);
  return constant !== null && Array.from(constant.data).every((x) => x === 0);
};

/** Flags as numbers. */
const asNumbers: OnnxLayout = (tensor) => filled(tensor, 1, 0);

/** `yes` where a flag is set and `no` elsewhere. */
const filled = ({ name, stored, shape, data }: Parameters<OnnxLayout>[0], yes: number, no: number) => ({
  name,
  stored,
  dtype: 'float' as const,
  shape,
  data: Float32Array.from(data, (flag) => (flag ? yes : no)),
});

/** By constant flags: what is computed is chosen by them; one number beside it is added in its places. */
function chosen(context: OnnxContext): readonly Value[] {
  const numbers = [1, 2].map((index) => {
    const constant = context.constant(index);
    return constant?.data.length === 1 ? (constant.data[0] as number) : null;
  });
  const sides = [select(), reject()].flatMap((op, side) =>
    numbers[side] === null ? context.emit(op, [context.data(side + 1), context.data(0, asNumbers)]) : [],
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

/** The largest or smallest of several; a constant number is a bound of the others. */
const extreme =
  (op: () => Op, bound: (x: number) => Op): OnnxReader =>
  (context) => {
    const all = Array.from({ length: context.inputs }, (_, index) => index);
    const numbers = all.filter((index) => context.constant(index)?.shape.length === 0);
    const [first, ...others] = all.filter((index) => !numbers.includes(index));
    if (first === undefined) return context.decline('it compares numbers');
    const found = others.reduce(
      (most, index) => context.emit(op(), [most, context.data(index)])[0] as Value,
      context.data(first),
    );
    const bounded = (x: Value, index: number): Value =>
      context.emit(bound(context.constant(index)?.data[0] as number), [x])[0] as Value;
    return [numbers.reduce(bounded, found)];
  };

export const readers: OnnxReaders = {
  Greater: comparison(greater, 0, 1),
  GreaterOrEqual: comparison(greaterOrEqual, 0, 1),
  Less: comparison(greater, 1, 0),
  LessOrEqual: comparison(greaterOrEqual, 1, 0),
  Max: extreme(maximum, (x) => clip(x, Infinity)),
  Min: extreme(minimum, (x) => clip(-Infinity, x)),
  Where: readWhere,
};
