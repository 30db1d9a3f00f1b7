// Constant folding, element by element: arithmetic, comparisons, conversions and reductions.

import { broadcast, elements } from '../shape.js';
import { axisOf, listOrAttribute, operand, tabulate, type Constant, type Evaluator } from './constant.js';
import { elementType, isFloatType } from './schema.js';
import { broadcastTo, gather } from './strided.js';

const unary =
  (apply: (x: number) => number): Evaluator =>
  (node) => {
    const { dtype, shape, data } = operand(node, 0);
    node.claim(data.length);
    return { dtype, shape, data: tabulate(data.length, (i) => apply(data[i] as number)) };
  };

type Dtype = Constant['dtype'];

/** Operands broadcast; `result` overrides the operands' type, as comparisons do. */
const binary =
  (apply: (a: number, b: number, dtype: Dtype) => number, result?: Dtype): Evaluator =>
  (node) => {
    const [a, b] = [operand(node, 0), operand(node, 1)];
    const shape = broadcast(a.shape, b.shape);
    node.claim(elements(shape));
    const right = gather(b.data, broadcastTo(b.shape, shape));
    const left = gather(a.data, broadcastTo(a.shape, shape));
    return {
      dtype: result ?? a.dtype,
      shape,
      data: left.map((x, index) => apply(x, right[index] as number, a.dtype)),
    };
  };

const test = (holds: (a: number, b: number) => boolean): Evaluator =>
  binary((a, b) => (holds(a, b) ? 1 : 0), 'int');

const sum = (a: number, b: number): number => a + b;
const square = (x: number): number => x * x;
const larger = (a: number, b: number): number => Math.max(a, b);
const smaller = (a: number, b: number): number => Math.min(a, b);

/** Integers divide towards zero. */
const divide = (a: number, b: number, dtype: Dtype): number => (dtype === 'int' ? Math.trunc(a / b) : a / b);

/** The sign follows the divisor, unless `fmod` is set. */
const modulo: Evaluator = (node) =>
  binary((a, b) => (node.attributes.int('fmod', 0) ? a % b : a - b * Math.floor(a / b)))(node);

/** Halves go to the even neighbour. */
function roundEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

const cast: Evaluator = (node) => {
  const { dtype, shape, data } = operand(node, 0);
  const to = node.attributes.int('to');
  if (to === elementType.string) return null;
  if (isFloatType(to)) return { dtype: 'float', shape, data };
  if (to === elementType.bool)
    return { dtype: 'int', shape, data: tabulate(data.length, (i) => (data[i] === 0 ? 0 : 1)) };
  if (dtype === 'int') return { dtype, shape, data };
  return { dtype: 'int', shape, data: tabulate(data.length, (i) => Math.trunc(data[i] as number)) };
};

/** An absent bound is none. */
const clip: Evaluator = (node) => {
  const [low = -Infinity, high = Infinity] = [1, 2].map((index) => node.inputs[index]?.data[0]);
  return unary((x) => Math.min(Math.max(x, low), high))(node);
};

const where: Evaluator = (node) => {
  const [condition, a, b] = [operand(node, 0), operand(node, 1), operand(node, 2)];
  const shape = broadcast(condition.shape, broadcast(a.shape, b.shape));
  node.claim(elements(shape));
  const [holds, yes, no] = [condition, a, b].map((c) => gather(c.data, broadcastTo(c.shape, shape)));
  const data = holds?.map((flag, index) => (flag ? yes : no)?.[index] as number) ?? [];
  return { dtype: a.dtype, shape, data };
};

/** What becomes of each number before they are put together, and of what they are then, made of `count`. */
interface Reduction {
  readonly before?: (x: number) => number;
  readonly after?: (total: number, count: number, dtype: Dtype) => number;
}

/** The listed axes are folded into one number each; all of them where none is listed. */
const reduce =
  (apply: (a: number, b: number) => number, { before, after }: Reduction = {}): Evaluator =>
  (node) => {
    const { dtype, shape, data } = operand(node, 0);
    const axes = listOrAttribute(node, 1, 'axes') ?? [...shape.keys()];
    const gone = new Set(axes.map((axis) => axisOf(node, axis, shape.length)));
    if (data.length === 0 || (axes.length === 0 && shape.length > 0)) return null;
    node.claim(2 * data.length);
    const kept = shape.map((size, axis) => (gone.has(axis) ? 1 : size));
    const places = gather(
      tabulate(elements(kept), (i) => i),
      broadcastTo(kept, shape),
    );
    const numbers = before ? tabulate(data.length, (i) => before(data[i] as number)) : data;
    const totals = accumulated(numbers, places, elements(kept), apply);
    const count = data.length / totals.length;
    return {
      dtype,
      shape: node.attributes.int('keepdims', 1) === 1 ? kept : shape.filter((_, axis) => !gone.has(axis)),
      data: after ? totals.map((total) => after(total, count, dtype)) : totals,
    };
  };

/** `count` numbers, each of them all elements of `data` at one of the `places`, folded from the first on. */
function accumulated(
  data: ArrayLike<number>,
  places: ArrayLike<number>,
  count: number,
  apply: (a: number, b: number) => number,
): Float64Array {
  const result = new Float64Array(count);
  const begun = new Uint8Array(count);
  for (let i = 0; i < data.length; i++) {
    const place = places[i] as number;
    const element = data[i] as number;
    result[place] = begun[place] ? apply(result[place] as number, element) : element;
    begun[place] = 1;
  }
  return result;
}

/** Sums and products over the inputs, pairwise. */
const variadic = (apply: (a: number, b: number) => number): Evaluator => {
  const pair = binary(apply);
  return (node) =>
    node.inputs.reduce<Constant | null>(
      (left, right) => (left && right ? pair({ ...node, inputs: [left, right] }) : right),
      null,
    );
};

const mean: Evaluator = (node) => {
  const total = variadic(sum)(node);
  return (
    total && {
      ...total,
      data: tabulate(total.data.length, (i) => (total.data[i] as number) / node.inputs.length),
    }
  );
};

export const arithmetic: ReadonlyMap<string, Evaluator> = new Map<string, Evaluator>([
  ['Abs', unary(Math.abs)],
  ['Ceil', unary(Math.ceil)],
  ['Clip', clip],
  ['Cos', unary(Math.cos)],
  ['Exp', unary(Math.exp)],
  ['Floor', unary(Math.floor)],
  ['Log', unary(Math.log)],
  ['Neg', unary((x) => -x)],
  ['Not', unary((x) => (x === 0 ? 1 : 0))],
  ['Reciprocal', unary((x) => 1 / x)],
  ['Relu', unary((x) => Math.max(x, 0))],
  ['Round', unary(roundEven)],
  ['Sigmoid', unary((x) => 1 / (1 + Math.exp(-x)))],
  ['Sign', unary(Math.sign)],
  ['Sin', unary(Math.sin)],
  ['Sqrt', unary(Math.sqrt)],
  ['Tanh', unary(Math.tanh)],
  ['Add', binary(sum)],
  ['Sub', binary((a, b) => a - b)],
  ['Mul', binary((a, b) => a * b)],
  ['Div', binary(divide)],
  ['Mod', modulo],
  ['Pow', binary((a, b) => a ** b)],
  ['Max', variadic(larger)],
  ['Mean', mean],
  ['Min', variadic(smaller)],
  ['Sum', variadic(sum)],
  ['And', test((a, b) => a !== 0 && b !== 0)],
  ['Or', test((a, b) => a !== 0 || b !== 0)],
  ['Equal', test((a, b) => a === b)],
  ['Greater', test((a, b) => a > b)],
  ['GreaterOrEqual', test((a, b) => a >= b)],
  ['Less', test((a, b) => a < b)],
  ['LessOrEqual', test((a, b) => a <= b)],
  ['Cast', cast],
  ['Where', where],
  ['ReduceLogSum', reduce(sum, { after: Math.log })],
  ['ReduceL1', reduce(sum, { before: Math.abs })],
  ['ReduceL2', reduce(sum, { before: square, after: Math.sqrt })],
  ['ReduceMax', reduce(larger)],
  ['ReduceMean', reduce(sum, { after: divide })],
  ['ReduceMin', reduce(smaller)],
  ['ReduceProd', reduce((a, b) => a * b)],
  ['ReduceSum', reduce(sum)],
  ['ReduceSumSquare', reduce(sum, { before: square })],
]);
