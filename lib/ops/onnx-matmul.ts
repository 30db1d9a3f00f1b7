// ONNX's MatMul: a linear layer where the second operand is a constant matrix, else a product of matrices, of stacks
// of them, which may broadcast, or of vectors.

import type { Value } from '../graph.js';
import { sameShape, type Shape } from '../shape.js';
import { add } from './arithmetic.js';
import { linear, transposedMatrix } from './linear.js';
import { matmul } from './matmul.js';
import { product, sizesOf, type Axes } from './onnx-product.js';
import { weightOrData, type OnnxContext, type OnnxReaders } from './onnx-reader.js';
import { mismatch } from './operator.js';

function read(context: OnnxContext): readonly Value[] {
  const [a, b] = [context.type(0).shape, context.type(1).shape];
  if (a.length > 1 && b.length === 2)
    return context.constant(1) ? layer(context) : context.emit(matmul(), [context.data(0), context.data(1)]);
  if (a.length > 1 && b.length > 1 && stackAlike(context))
    return context.emit(matmul(), [context.data(0), weightOrData(context, 1)]);
  return [broadcasting(context)];
}

/** A product with a constant matrix; the constant vector that is added to it alone is its bias. */
function layer(context: OnnxContext): readonly Value[] {
  const { shape } = context.type(1);
  const bias = context.absorb('Add', (tensor) => tensor.shape.length === 1 && tensor.shape[0] === shape[1]);
  if (context.type(0).shape.length === 2) {
    const w = context.trained(1, transposedMatrix);
    return context.emit(linear(), [context.data(0), w, ...(bias ? [bias] : [])]);
  }
  const made = context.emit(matmul(), [context.data(0), context.trained(1)]);
  return bias ? context.emit(add(), [...made, bias]) : made;
}

const stackOf = (shape: Shape): Shape => shape.slice(0, -2);

/** Whether both operands have the same stack, at the next batch size too where they have one. */
function stackAlike(context: OnnxContext): boolean {
  const [a, b] = [context.type(0).shape, context.type(1).shape];
  const [nextA, nextB] = [context.nextType(0)?.shape, context.nextType(1)?.shape];
  if (!sameShape(stackOf(a), stackOf(b))) return false;
  return !nextA || !nextB || sameShape(stackOf(nextA), stackOf(nextB));
}

function broadcasting(context: OnnxContext): Value {
  const ranks = [0, 1].map((index) => context.type(index).shape.length);
  if (ranks.includes(0)) mismatch('an operand is a number');
  const [a, b] = [axesOf(context, 0), axesOf(context, 1)];
  const depth = Math.max(...ranks);
  const ends = ['row', 'column'].filter((name) => a.includes(name) || b.includes(name));
  const result = [...stackNames(depth), ...ends];
  const operands = [
    { value: context.data(0), axes: a },
    { value: weightOrData(context, 1), axes: b },
  ] as const;
  return product(context, operands, result, sizesOf(context, [a, b])) ?? mismatch('the operands do not fit');
}

/** The axes in front of matrices, called by how far they are from the end. */
const stackNames = (rank: number): Axes =>
  Array.from({ length: Math.max(0, rank - 2) }, (_, axis) => `stack ${rank - axis}`);

/** Names of the axes of an operand; '' where the other one has a size and it has none. */
function axesOf(context: OnnxContext, index: 0 | 1): Axes {
  const rank = context.type(index).shape.length;
  const stack = stackNames(rank).map((name, axis) => (carries(context, index, rank - axis) ? name : ''));
  if (rank === 1) return ['summed'];
  return [...stack, ...(index === 0 ? ['row', 'summed'] : ['summed', 'column'])];
}

/** Whether the size of the result's axis that is `back` from the end is that of operand `index`. */
function carries(context: OnnxContext, index: 0 | 1, back: number): boolean {
  if (isLarge(context, index, back)) return true;
  const first = index === 0 || context.type(0).shape.length < back;
  return first && !isLarge(context, 1 - index, back);
}

const isLarge = (context: OnnxContext, index: number, back: number): boolean =>
  [context.type(index), context.nextType(index)].some((type) => (type?.shape.at(-back) ?? 1) > 1);

export const readers: OnnxReaders = { MatMul: read };
