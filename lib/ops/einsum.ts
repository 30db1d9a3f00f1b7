// Einstein sums of two operands, as products of matrices with their axes put in order. There is no operator
// of this name here; files have it.

import type { Value } from '../graph.js';
import { matmul } from './matmul.js';
import type { OnnxContext, OnnxReaders } from './onnx-reader.js';
import { transpose } from './transpose.js';

/** Axes of an operand or a result, a letter each. */
type Axes = readonly string[];

/** The letters of an equation, by what a product of stacks of matrices does with them. */
interface Roles {
  /** In both operands and the result: these count the matrices. */
  readonly stack: Axes;
  readonly row: Axes;
  readonly summed: Axes;
  readonly column: Axes;
}

function readEinsum(context: OnnxContext): readonly Value[] {
  const equation = context.attributes.string('equation').replaceAll(' ', '');
  const [a, b, result] = (/^([a-z]+),([a-z]+)->([a-z]+)$/i.exec(equation) ?? [])
    .slice(1)
    .map((part) => part.split(''));
  const roles = a && b && result ? rolesOf(a, b, result) : null;
  if (!a || !b || !result || !roles) return context.decline(`'${equation}' is no product of matrices`);
  const { stack, row, summed, column } = roles;
  const left = arranged(context, context.data(0), a, [...stack, ...row, ...summed]);
  const right = arranged(context, context.data(1), b, [...stack, ...summed, ...column]);
  const [product] = context.emit(matmul(), [left, right]);
  return [arranged(context, product as Value, [...stack, ...row, ...column], result)];
}

/** Null where a matrix would have other than one axis of each kind. */
function rolesOf(a: Axes, b: Axes, result: Axes): Roles | null {
  const stack = result.filter((letter) => a.includes(letter) && b.includes(letter));
  const row = result.filter((letter) => a.includes(letter) && !b.includes(letter));
  const column = result.filter((letter) => b.includes(letter) && !a.includes(letter));
  const summed = a.filter((letter) => b.includes(letter) && !result.includes(letter));
  const matrices = [row, column, summed].every((letters) => letters.length === 1);
  const complete = [a, b, result].every((letters) => letters.length === stack.length + 2);
  return matrices && complete ? { stack, row, summed, column } : null;
}

/** `value`, whose axes are called `from`, with its axes in the order of `to`. */
function arranged(context: OnnxContext, value: Value, from: Axes, to: Axes): Value {
  if (to.every((letter, axis) => letter === from[axis])) return value;
  const order = to.map((letter) => from.indexOf(letter));
  return context.emit(transpose(order), [value])[0] as Value;
}

export const readers: OnnxReaders = { Einsum: readEinsum };
