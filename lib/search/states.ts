// What happens to the values of a network when groups are zero, by abstract interpretation over three
// states, and which vertices then still carry data to an output. Linear; whether the outcome is any good
// is judged elsewhere.

import { JOINT, SINGLE, type Skeleton } from './skeleton.js';
import type { Vertex } from './trace.js';

/** The groups at zero: 1 at each of them. */
export type Taken = Uint8Array;

export const sizeOf = (set: Taken): number => set.reduce((sum, flag) => sum + flag, 0);

/** States of a value: certainly zero; a constant or something made with one; data as it was. */
export const ZERO = 0;
export const CONSTANT = 1;
export const DATA = 2;

/** State of what arrives at an edge, given its position in `edgeFrom`. */
export function stateAt({ edgeFrom, edgeFirst }: Skeleton, states: Uint8Array, edge: number): number {
  const from = edgeFrom[edge] as number;
  if (from < 0) return DATA;
  const state = states[from] as number;
  // Operators only vouch for their first result.
  return state === ZERO && edgeFirst[edge] === 0 ? CONSTANT : state;
}

/** State of what arrives at edge number `edge` of `vertex`. */
export const edgeState = (skeleton: Skeleton, states: Uint8Array, vertex: number, edge: number): number =>
  stateAt(skeleton, states, (skeleton.edgeStart[vertex] as number) + edge);

/** State of each vertex. */
export function propagate(skeleton: Skeleton, taken: Taken): Uint8Array {
  const { trace, kind, groupOf, zeroBits, edgeFrom, edgeStart } = skeleton;
  const states = new Uint8Array(trace.vertices.length);
  for (let v = 0; v < states.length; v += 1) {
    if (kind[v] === SINGLE) {
      const from = edgeFrom[edgeStart[v] as number] as number;
      const input = from < 0 ? DATA : (states[from] as number);
      const bit = (isTaken(groupOf[v] as number, taken) ? 1 : 0) + (input === ZERO ? 2 : 0);
      if (((zeroBits[v] as number) >> bit) & 1) states[v] = ZERO;
      else states[v] = input === DATA ? DATA : CONSTANT;
    } else {
      states[v] = stateOfMany(skeleton, taken, states, trace.vertices[v] as Vertex);
    }
  }
  return states;
}

export const isTaken = (group: number, taken: Taken): boolean => group >= 0 && taken[group] === 1;

/** A joint carries data when one input does, any other vertex when all do and it is not zero. */
function stateOfMany(skeleton: Skeleton, taken: Taken, states: Uint8Array, vertex: Vertex): number {
  const start = skeleton.edgeStart[vertex.id] as number;
  const end = skeleton.edgeStart[vertex.id + 1] as number;
  let data = 0;
  for (let edge = start; edge < end; edge += 1) if (stateAt(skeleton, states, edge) === DATA) data += 1;
  if (vertex.joint && data > 0) return DATA;
  if (isZero(skeleton, taken, states, vertex)) return ZERO;
  return data === end - start ? DATA : CONSTANT;
}

function isZero(skeleton: Skeleton, taken: Taken, states: Uint8Array, vertex: Vertex): boolean {
  const gone = isTaken(skeleton.groupOf[vertex.id] as number, taken);
  const zeros = vertex.node.inputs.map((value) => gone && skeleton.blank(value));
  vertex.edges.forEach(({ input }, edge) => {
    zeros[input] = edgeState(skeleton, states, vertex.id, edge) === ZERO;
  });
  return vertex.node.op.zero(zeros);
}

/** The vertices that carry data to an output: a walk back from the outputs along data. */
export function demand(skeleton: Skeleton, states: Uint8Array): Uint8Array {
  const { kind, outputs, edgeStart, edgeFrom } = skeleton;
  const needed = new Uint8Array(states.length);
  for (const vertex of outputs) if (states[vertex] === DATA) needed[vertex] = 1;
  for (let v = states.length - 1; v >= 0; v -= 1) {
    if (!needed[v]) continue;
    for (let e = edgeStart[v] as number; e < (edgeStart[v + 1] as number); e += 1) {
      const from = edgeFrom[e] as number;
      if (from >= 0 && (kind[v] !== JOINT || states[from] === DATA)) needed[from] = 1;
    }
  }
  return needed;
}
