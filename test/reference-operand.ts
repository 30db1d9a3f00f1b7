// What every reference kernel works on: a shape and its row-major contents in float64, whatever the
// program says the element type is; and typed access to attributes. No kernels here.

import type { Attributes } from '../lib/graph.js';
import type { Shape } from '../lib/shape.js';

/** A tensor of a running program. */
export interface Operand {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** Reads `inputs`, fills `outputs`. An output may share memory with an input (in-place updates). */
export type ReferenceKernel = (
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  attrs: Attributes,
) => void;

/** The four axes of an image tensor. */
export const imageShape = (operand: Operand): [number, number, number, number] => {
  if (operand.shape.length !== 4) throw new Error(`expected rank 4, got [${operand.shape.join(',')}]`);
  return operand.shape as unknown as [number, number, number, number];
};

/** Operand `index` of a list; a missing one is a malformed program. */
export function at(operands: readonly Operand[], index: number): Operand {
  const operand = operands[index];
  if (!operand) throw new Error(`operand ${index} is missing, there are ${operands.length}`);
  return operand;
}

export function numberOf(attrs: Attributes, name: string, fallback?: number): number {
  const value = attrs[name] ?? fallback;
  if (typeof value !== 'number') throw new Error(`attribute '${name}' is not a number`);
  return value;
}

export function numbersOf(attrs: Attributes, name: string, fallback?: readonly number[]): readonly number[] {
  const value = attrs[name] ?? fallback;
  if (!Array.isArray(value)) throw new Error(`attribute '${name}' is not a list of numbers`);
  return value as readonly number[];
}

/** Applies `epilogue: 'relu'` to a finished result, where the attributes ask for it. */
export function applyEpilogue(result: Operand, attrs: Attributes): void {
  if (attrs['epilogue'] === undefined) return;
  if (attrs['epilogue'] !== 'relu') throw new Error(`unknown epilogue '${String(attrs['epilogue'])}'`);
  result.data.forEach((value, index) => (result.data[index] = Math.max(0, value)));
}
