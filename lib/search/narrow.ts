// One vertex after some of its inputs are gone or have lost channels. The operator says how it
// narrows (`Op.narrow`); this file only asks it in the right way, for the analysis of concatenations,
// for costs and for construction alike.

import { isParameter, type Kept, type Narrowed, type ParameterSlice, type Value } from '../graph.js';
import { sum } from '../ops/sum.js';
import { dim, elements, type Shape } from '../shape.js';
import type { Edge, Vertex } from './trace.js';

/** What is left of a data input: `gone`, some channels, or (null) all of it. */
export type Remainder = 'gone' | Kept;

/** A vertex that has changed. */
export interface NarrowedVertex extends Narrowed {
  /** Indices of the node's inputs that stay. */
  readonly inputs: readonly number[];
}

/** Null where the operator cannot work on what is left. */
export function narrowVertex(vertex: Vertex, remainder: (edge: Edge) => Remainder): NarrowedVertex | null {
  const left = remainders(vertex, remainder);
  const inputs: number[] = [];
  left.forEach((rest, index) => {
    if (rest !== 'gone') inputs.push(index);
  });
  const narrowed = vertex.joint === 'sum' ? narrowSum(vertex, left, inputs) : narrowOther(vertex, left);
  if (!narrowed || !sliceable(vertex, narrowed.slices)) return null;
  const outputs = narrowed.outputs.map((kept, index) => someOf(vertex.node.outputs[index] as Value, kept));
  if (vertex.output && outputs.some((kept) => kept !== null)) return null;
  return { op: narrowed.op, slices: narrowed.slices, inputs, outputs };
}

/** Null where no channel of `value` is missing. */
const someOf = (value: Value, kept: Kept): Kept =>
  kept && kept.length === dim(value.type.shape, 1) ? null : kept;

const remainders = (vertex: Vertex, remainder: (edge: Edge) => Remainder): readonly Remainder[] => {
  const left: Remainder[] = vertex.node.inputs.map(() => null);
  for (const edge of vertex.edges) left[edge.input] = remainder(edge);
  return left;
};

/** A sum does not miss the terms that are gone; the others must agree. */
function narrowSum({ node }: Vertex, left: readonly Remainder[], inputs: readonly number[]): Narrowed | null {
  const kept = inputs.map((index) => left[index] as Kept);
  // Operators of two operands do not take one; a term alone is the sum.
  if (kept.length === 1) return { op: sum(), slices: [], outputs: kept };
  if (kept.every((k) => k === null)) return unchanged(node.op, node.outputs.length);
  const types = inputs.map((index) => (node.inputs[index] as Value).type);
  return node.op.narrow?.(kept, types) ?? null;
}

/** For a concatenation an input that is gone is one that keeps no channel. */
function narrowOther({ node }: Vertex, left: readonly Remainder[]): Narrowed | null {
  const kept = left.map((r) => (r === 'gone' ? [] : r));
  const types = node.inputs.map((value) => value.type);
  return node.op.narrow?.(kept, types) ?? null;
}

const unchanged = (op: Narrowed['op'], outputs: number): Narrowed => ({
  op,
  slices: [],
  outputs: Array.from({ length: outputs }, () => null),
});

/** Only parameters can be cut to size, not what is computed from them. */
const sliceable = ({ node }: Vertex, slices: readonly ParameterSlice[]): boolean =>
  slices.every((slice) => isParameter(node.inputs[slice.input] as Value));

/** Elements left of a parameter after slices on distinct axes. */
export const slicedShape = (shape: Shape, slices: readonly Pick<ParameterSlice, 'axis' | 'keep'>[]): Shape =>
  slices.reduce<Shape>((left, { axis, keep }) => left.with(axis, keep.length), shape);

/** Takes `keep` along `axis` out of row-major contents. */
export function takeAlong(
  data: Float32Array,
  shape: Shape,
  axis: number,
  keep: readonly number[],
): Float32Array {
  const inner = elements(shape.slice(axis + 1));
  const size = dim(shape, axis);
  const outer = elements(shape.slice(0, axis));
  const result = new Float32Array(outer * keep.length * inner);
  for (let o = 0, to = 0; o < outer; o += 1) {
    for (const index of keep) {
      const from = (o * size + index) * inner;
      result.set(data.subarray(from, from + inner), to);
      to += inner;
    }
  }
  return result;
}
