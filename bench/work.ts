// What the steps of a program have to do at least: floating point operations of convolutions and matrix
// products, and bytes when every operand is read once and every result written once.

import type { Entry, Program, Step, Tensor } from '../lib/compile/program.js';
import { elements, type Shape } from '../lib/shape.js';

export interface Work {
  readonly kernel: string;
  readonly flops: number;
  readonly bytes: number;
}

/** The steps of an entry, one by one; `bytesOf` says what a tensor takes where that is not its own type. */
export function workOf(program: Program, entry: string, bytesOf = plainBytes): readonly Work[] {
  const found = program.entries.find(({ name }) => name === entry) as Entry;
  return found.steps.map((step) => workOfStep(program, step, bytesOf));
}

function workOfStep(
  program: Program,
  { kernel, inputs, outputs }: Step,
  bytesOf: (tensor: Tensor) => number,
): Work {
  const tensors = (indices: readonly number[]): readonly Tensor[] =>
    indices.map((index) => program.tensors[index] as Tensor);
  const shapes = (indices: readonly number[]): Shapes => tensors(indices).map(({ shape }) => shape);
  const operands = views.has(kernel) ? [] : tensors([...new Set(inputs), ...outputs]);
  return {
    kernel,
    flops: 2 * (multiplications[kernel]?.(shapes(inputs), shapes(outputs)) ?? 0),
    bytes: operands.reduce((sum, tensor) => sum + bytesOf(tensor), 0),
  };
}

type Shapes = readonly Shape[];

/** Kernels whose result is its operand under another name. */
const views: ReadonlySet<string> = new Set(['reshape']);

/** Elements of a shape from `axis` on. */
const size = (shape: Shape | undefined, axis = 0): number => elements((shape ?? []).slice(axis));

/** Multiply-accumulates; kernels that are not here do a few operations an element, which bytes outweigh. */
const multiplications: Readonly<Record<string, (inputs: Shapes, outputs: Shapes) => number>> = {
  conv: ([, w], [y]) => size(y) * size(w, 1),
  conv_backward_data: ([dy, w]) => size(dy) * size(w, 1),
  conv_backward_weights: ([, dy], [dw]) => size(dy) * size(dw, 1),
  linear: ([, w], [y]) => size(y) * size(w, 1),
  linear_backward_data: ([dy, w]) => size(dy) * size(w, 1),
  linear_backward_weights: ([, dy], [dw]) => size(dy) * size(dw, 1),
  matmul: ([a], [y]) => size(y) * (a?.at(-1) ?? 0),
};

const elementBytes = { f32: 4, f64: 8, i32: 4 } as const;

/** What a tensor takes as its type says. */
export const plainBytes = ({ dtype, shape }: Tensor): number => elementBytes[dtype] * elements(shape);
