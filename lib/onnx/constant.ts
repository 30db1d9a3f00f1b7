// Constants while a file is read: what evaluators of single ONNX operators see and give.

import type { OnnxTensor } from '../ops/onnx-reader.js';
import { elements, formatShape, type Shape, type TensorType } from '../shape.js';
import type { Attributes } from './attributes.js';
import { damaged } from './model-error.js';

/** The contents of a constant. */
export type Constant = Omit<OnnxTensor, 'name' | 'stored'>;

/** One node whose inputs are constants, or at least known by their type. */
export interface ConstantNode {
  readonly name: string;
  readonly attributes: Attributes;
  /** Null where an input is absent or no constant. */
  readonly inputs: readonly (Constant | null)[];
  /** Types of the inputs; null where one is absent or nobody knows. */
  readonly types: readonly (TensorType | null)[];
  /** Number of results, absent ones in between included. */
  readonly outputs: number;
  /** Announces how many elements the result will have, before it is made. */
  claim(elements: number): void;
}

/** Null where the node has a form that is not folded. */
export type Evaluator = (node: ConstantNode) => Constant | null;

/** Likewise of a node that may have several results. */
export type PartsEvaluator = (node: ConstantNode) => readonly Constant[] | null;

/** Input `index`, which must be there. */
export function operand(node: ConstantNode, index: number): Constant {
  return node.inputs[index] ?? damaged(`'${node.name}': input ${index} is missing`);
}

/** The elements of an input that lists axes, sizes or positions. */
export const list = (node: ConstantNode, index: number): readonly number[] =>
  Array.from(operand(node, index).data);

/** A list that older operator sets give as an attribute and newer ones as an input. */
export function listOrAttribute(node: ConstantNode, index: number, name: string): readonly number[] | null {
  if (node.inputs[index]) return list(node, index);
  return node.attributes.has(name) ? node.attributes.ints(name) : null;
}

/** An axis counted from the front. */
export function axisOf(node: ConstantNode, axis: number, rank: number): number {
  const front = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(front) && front >= 0 && front < rank) return front;
  return damaged(`'${node.name}': axis ${axis} does not exist in a tensor of rank ${rank}`);
}

/** The same elements in another shape. */
export function shaped(node: ConstantNode, { dtype, shape: from, data }: Constant, shape: Shape): Constant {
  if (elements(shape) !== data.length || shape.some((size) => size < 0)) {
    damaged(`'${node.name}': ${formatShape(from)} does not reshape to ${formatShape(shape)}`);
  }
  return { dtype, shape, data };
}

/** `length` numbers; a function of each position. */
export function tabulate(length: number, at: (index: number) => number): Float64Array {
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = at(i);
  return result;
}

export const integers = (data: readonly number[]): Constant => ({ dtype: 'int', shape: [data.length], data });
