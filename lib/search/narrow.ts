// One vertex after some of its inputs are gone or have lost channels. The operator says how it
// narrows (`Op.narrow`); this file only asks it in the right way, for the analysis of concatenations,
// for costs and for construction alike.

import { isParameter, type Kept, type Narrowed, type ParameterSlice } from '../graph.js';
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
export function narrowVertex(
  vertex: Vertex,
  remainder: (edge: Edge) => Remainder,
  output = vertex.output,
): NarrowedVertex | null {
  const left = remainders(vertex, remainder);
  const inputs = left.flatMap((r, index) => (r === 'gone' ? [] : [index]));
  const narrowed = vertex.joint === 'sum' ? narrowSum(vertex, left, inputs) : narrowOther(vertex, left);
  if (!narrowed || !sliceable(vertex, narrowed.slices)) return null;
  const loses = narrowed.outputs.some((kept) => kept !== null);
  return loses && output ? null : { ...narrowed, inputs };
}

const remainders = (vertex: Vertex, remainder: (edge: Edge) => Remainder): readonly Remainder[] => {
  const left: Remainder[] = vertex.node.inputs.map(() => null);
  for (const edge of vertex.edges) left[edge.input] = remainder(edge);
  return left;
};

/** A sum does not miss the terms that are gone; the others must agree. */
function narrowSum({ node }: Vertex, left: readonly Remainder[], inputs: readonly number[]): Narrowed | null {
  const kept = inputs.map((index) => left[index] as Kept);
  if (kept.every((k) => k === null)) return unchanged(node.op, node.outputs.length);
  const types = inputs.map((index) => (node.inputs[index] as Edge['value']).type);
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
  slices.every((slice) => isParameter(node.inputs[slice.input] as Edge['value']));

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
