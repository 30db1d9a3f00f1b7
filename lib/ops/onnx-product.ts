// Products of two tensors that files write in one node, as a product of stacks of matrices with the axes put in
// order: Einsum, and MatMul where the stacks broadcast or an operand is a vector. There is no operator for them.

import type { Value } from '../graph.js';
import { dim, elements } from '../shape.js';
import { matmul } from './matmul.js';
import type { OnnxContext } from './onnx-reader.js';
import { mismatch } from './operator.js';
import { reshape } from './reshape.js';
import { transpose } from './transpose.js';

/** Axes of an operand or a result, a name each. */
export type Axes = readonly string[];

/** The names of a product, by what becomes of their axes. */
interface Roles {
  /** In both operands and the result: these count the matrices. */
  readonly stack: Axes;
  readonly row: Axes;
  readonly summed: Axes;
  readonly column: Axes;
}

/** A tensor whose axes are called so; those of size one that are left out are called ''. */
export interface Named {
  readonly value: Value;
  readonly axes: Axes;
}

/** Sizes by name; -1 of axes that grow with the batch. */
export type Sizes = ReadonlyMap<string, number>;

/** The sizes of both operands, which are inputs 0 and 1; throws ERR_SHAPE where they differ in one that both have. */
export function sizesOf(context: OnnxContext, operands: readonly [Axes, Axes]): Sizes {
  const sizes = new Map<string, number>();
  const growing = new Set<string>();
  operands.forEach((axes, index) => {
    const { shape } = context.type(index);
    const next = context.nextType(index)?.shape ?? shape;
    for (const [axis, name] of axes.entries()) {
      const size = dim(shape, axis);
      if (name !== '' && (sizes.get(name) ?? size) !== size)
        mismatch(`the operands have sizes ${sizes.get(name)} and ${size} in axes that meet`);
      sizes.set(name, size);
      if (next[axis] !== size) growing.add(name);
    }
  });
  return new Map(Array.from(sizes, ([name, size]) => [name, growing.has(name) ? -1 : size]));
}

/** The product summed over the axes that the result lacks; null where it is none of matrices. */
export function product(
  context: OnnxContext,
  [a, b]: readonly [Named, Named],
  result: Axes,
  sizes: Sizes,
): Value | null {
  const roles = rolesOf(a.axes, b.axes, result);
  if (!roles) return null;
  const { stack, row, summed, column } = roles;
  const each = stack.map((name) => [name]);
  // One matrix meets any number of rows, in however many axes.
  const rows = stack.length === 0 && row.length > 0 ? row.map((name) => [name]) : [row];
  const left = arranged(context, a, [...each, ...rows, summed], sizes);
  const right = arranged(context, b, [...each, summed, column], sizes);
  const [made] = context.emit(matmul(), [left, right]);
  const apart = shaped(
    context,
    made as Value,
    [...stack, ...row, ...column].map((name) => [name]),
    sizes,
  );
  return ordered(context, apart, [...stack, ...row, ...column], result);
}

/** Null where an axis is summed in one operand alone, or occurs twice in one. */
function rolesOf(first: Axes, second: Axes, result: Axes): Roles | null {
  const [a, b] = [first.filter(Boolean), second.filter(Boolean)];
  const stack = result.filter((name) => a.includes(name) && b.includes(name));
  const row = result.filter((name) => a.includes(name) && !b.includes(name));
  const column = result.filter((name) => b.includes(name) && !a.includes(name));
  const summed = a.filter((name) => b.includes(name) && !result.includes(name));
  const shared = stack.length + summed.length;
  const complete =
    a.length === shared + row.length &&
    b.length === shared + column.length &&
    result.length === stack.length + row.length + column.length;
  const once = [a, b, result].every((axes) => new Set(axes).size === axes.length);
  return complete && once ? { stack, row, summed, column } : null;
}

/** The tensor with its axes in the order of `groups`, each group as one axis. */
function arranged(
  context: OnnxContext,
  { value, axes }: Named,
  groups: readonly Axes[],
  sizes: Sizes,
): Value {
  const gone = axes.flatMap((name, axis) => (name === '' ? [axis] : []));
  const order = [...gone, ...groups.flat().map((name) => axes.indexOf(name))];
  return shaped(context, moved(context, value, order), groups, sizes);
}

/** `value`, whose axes are called `from`, with its axes in the order of `to`. */
const ordered = (context: OnnxContext, value: Value, from: Axes, to: Axes): Value =>
  moved(
    context,
    value,
    to.map((name) => from.indexOf(name)),
  );

const moved = (context: OnnxContext, value: Value, order: readonly number[]): Value =>
  order.every((from, axis) => from === axis) ? value : (context.emit(transpose(order), [value])[0] as Value);

/** The same elements in one axis a group. */
function shaped(context: OnnxContext, value: Value, groups: readonly Axes[], sizes: Sizes): Value {
  const target = groups.map((names) => {
    const known = names.map((name) => sizes.get(name) as number);
    return known.includes(-1) ? -1 : elements(known);
  });
  const { shape } = value.type;
  const fits =
    shape.length === target.length && target.every((size, axis) => size === -1 || size === shape[axis]);
  if (fits) return value;
  if (target.filter((size) => size === -1).length > 1)
    context.decline('several of its axes grow with the batch');
  return context.emit(reshape(target), [value])[0] as Value;
}
