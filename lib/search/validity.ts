// What happens to a network when groups are zero, by abstract interpretation over three states. A set
// of groups is valid when every output still carries data, no joint on the way mixes data with a dead
// constant, and no shape that somebody sees changes. Then zeroing the groups and constructing the
// sub-network give the same function exactly.
//
// The groups at zero are given as one byte a group; everything here is linear in the network.

import type { Vertex } from './trace.js';
import { JOINT, SINGLE, type Skeleton } from './skeleton.js';

/** The groups at zero: 1 at each of them. */
export type Taken = Uint8Array;

/** States of a value: certainly zero; not that, but untouched by any input; data. */
export const ZERO = 0;
export const CONSTANT = 1;
export const DATA = 2;

/** Something that makes a set of groups invalid. `edge` is a position in the vertex's edges. */
export type Violation =
  | { readonly kind: 'output'; readonly vertex: number } // carries no data
  | { readonly kind: 'constant'; readonly vertex: number; readonly edge: number } // would meet data
  | { readonly kind: 'shape'; readonly vertex: number } // a sum without a term of its own size
  | { readonly kind: 'channels'; readonly vertex: number; readonly edge: number }; // cannot be absorbed

export interface Evaluation {
  readonly taken: Taken;
  /** State of each vertex. */
  readonly states: Uint8Array;
  /** Vertices that carry data to an output: those that the sub-network consists of. */
  readonly needed: Uint8Array;
  readonly violations: readonly Violation[];
}

export function evaluate(skeleton: Skeleton, taken: Taken): Evaluation {
  const states = propagate(skeleton, taken);
  const needed = demand(skeleton, states);
  return { taken, states, needed, violations: findViolations(skeleton, taken, states, needed) };
}

export const isValid = (skeleton: Skeleton, taken: Taken): boolean =>
  evaluate(skeleton, taken).violations.length === 0;

/** State of what arrives at edge number `edge` of `vertex`. */
export function edgeState(
  { edgeStart, edgeFrom, trace }: Skeleton,
  states: Uint8Array,
  vertex: number,
  edge: number,
) {
  const from = edgeFrom[(edgeStart[vertex] as number) + edge] as number;
  if (from < 0) return DATA;
  const state = states[from] as number;
  // Operators only vouch for their first result.
  return state === ZERO && !trace.vertices[vertex]?.edges[edge]?.first ? CONSTANT : state;
}

function propagate(skeleton: Skeleton, taken: Taken): Uint8Array {
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

const isTaken = (group: number, taken: Taken): boolean => group >= 0 && taken[group] === 1;

/** A joint carries data when one input does, any other vertex when all do. */
function stateOfMany(skeleton: Skeleton, taken: Taken, states: Uint8Array, vertex: Vertex): number {
  let data = 0;
  let zeros = 0;
  const count = vertex.edges.length;
  for (let edge = 0; edge < count; edge += 1) {
    const state = edgeState(skeleton, states, vertex.id, edge);
    if (state === DATA) data += 1;
    if (state === ZERO) zeros += 1;
  }
  if (vertex.joint && data > 0) return DATA;
  if (data === count) return isZero(skeleton, taken, states, vertex) ? ZERO : DATA;
  if (zeros === 0 && vertex.joint) return CONSTANT;
  return isZero(skeleton, taken, states, vertex) ? ZERO : CONSTANT;
}

function isZero(skeleton: Skeleton, taken: Taken, states: Uint8Array, vertex: Vertex): boolean {
  const gone = isTaken(skeleton.groupOf[vertex.id] as number, taken);
  const zeros = vertex.node.inputs.map((value) => gone && skeleton.blank(value));
  vertex.edges.forEach(({ input }, edge) => {
    zeros[input] = edgeState(skeleton, states, vertex.id, edge) === ZERO;
  });
  return vertex.node.op.zero(zeros);
}

/** Walks from the outputs back along the values that carry data. */
function demand(skeleton: Skeleton, states: Uint8Array): Uint8Array {
  const { trace, kind, edgeStart, edgeFrom } = skeleton;
  const needed = new Uint8Array(states.length);
  for (let v = states.length - 1; v >= 0; v -= 1) {
    if (states[v] !== DATA) continue;
    if ((trace.vertices[v] as Vertex).output) needed[v] = 1;
    if (!needed[v]) continue;
    for (let e = edgeStart[v] as number; e < (edgeStart[v + 1] as number); e += 1) {
      const from = edgeFrom[e] as number;
      if (from >= 0 && (kind[v] !== JOINT || states[from] === DATA)) needed[from] = 1;
    }
  }
  return needed;
}

function findViolations(
  skeleton: Skeleton,
  taken: Taken,
  states: Uint8Array,
  needed: Uint8Array,
): readonly Violation[] {
  const { trace, kind } = skeleton;
  const violations: Violation[] = [];
  const silent = skeleton.silencing ? silencedZeros(skeleton, taken, states) : null;
  for (let v = 0; v < states.length; v += 1) {
    const vertex = trace.vertices[v] as Vertex;
    if (vertex.output && states[v] !== DATA) violations.push({ kind: 'output', vertex: v });
    if (!needed[v] || kind[v] !== JOINT) continue;
    for (let edge = 0; edge < vertex.edges.length; edge += 1) {
      const state = edgeState(skeleton, states, v, edge);
      if (state === CONSTANT) violations.push({ kind: 'constant', vertex: v, edge });
      if (state === ZERO && !absorbs(skeleton, silent, vertex, edge)) {
        violations.push({ kind: 'channels', vertex: v, edge });
      }
    }
    if (!keepsShape(skeleton, states, vertex)) violations.push({ kind: 'shape', vertex: v });
  }
  return violations;
}

/** Whether what follows a concatenation can do without this input, which is zero. */
function absorbs({ losses }: Skeleton, silent: Uint8Array | null, vertex: Vertex, edge: number): boolean {
  const loss = losses.get(vertex.id)?.[edge];
  if (!loss) return true;
  if (loss.blocked !== '') return false;
  return loss.members.length === 0 || silent?.[vertex.edges[edge]?.from as number] === 1;
}

/**
 * Zero values whose slices downstream are zero as well: results of taken segments, and concatenations
 * of nothing but such.
 */
function silencedZeros({ trace, exitOf }: Skeleton, taken: Taken, states: Uint8Array): Uint8Array {
  const silent = new Uint8Array(states.length);
  for (const { id, joint, edges } of trace.vertices) {
    if (states[id] !== ZERO) continue;
    const owned = isTaken(exitOf[id] as number, taken);
    const whole = joint === 'concat' && edges.every((edge) => edge.from >= 0 && silent[edge.from] === 1);
    if (owned || whole) silent[id] = 1;
  }
  return silent;
}

/** A sum that broadcasts must keep a term of its own shape. */
function keepsShape(skeleton: Skeleton, states: Uint8Array, vertex: Vertex): boolean {
  const full = skeleton.full.get(vertex.id);
  if (!full) return true;
  return full.some((whole, edge) => whole && edgeState(skeleton, states, vertex.id, edge) === DATA);
}

/**
 * The groups that must be taken along with `taken` so that no dead constant meets data, or null where
 * nothing helps. The result is valid.
 */
export function closure(skeleton: Skeleton, taken: Taken): Taken | null {
  const closed = taken.slice();
  for (;;) {
    const evaluation = evaluate(skeleton, closed);
    if (evaluation.violations.length === 0) return closed;
    const remedy = evaluation.violations.map((violation) => remedyOf(skeleton, evaluation, violation));
    if (remedy.includes(null)) return null;
    for (const group of remedy.flat()) closed[group as number] = 1;
  }
}

/** Groups whose taking undoes a violation, or null. */
function remedyOf(
  skeleton: Skeleton,
  evaluation: Evaluation,
  violation: Violation,
): readonly number[] | null {
  if (violation.kind === 'output' || violation.kind === 'shape') return null;
  const edge = skeleton.trace.vertices[violation.vertex]?.edges[violation.edge];
  if (!edge || edge.from < 0) return null;
  if (violation.kind === 'constant') return constantSources(skeleton, evaluation, edge.from);
  const loss = skeleton.losses.get(violation.vertex)?.[violation.edge];
  const group = skeleton.exitOf[edge.from] as number;
  return loss?.blocked === '' && group >= 0 && !evaluation.taken[group] ? [group] : null;
}

/** The removable segments that a dead constant comes from; null where it comes from anything else. */
function constantSources(
  skeleton: Skeleton,
  { states, taken }: Evaluation,
  start: number,
): readonly number[] | null {
  const groups = new Set<number>();
  const seen = new Set([start]);
  const pending = [start];
  for (let v = pending.pop(); v !== undefined; v = pending.pop()) {
    const group = skeleton.exitOf[v] as number;
    if (group >= 0 && !taken[group]) {
      groups.add(group);
      continue;
    }
    const { edges } = skeleton.trace.vertices[v] as Vertex;
    const dead = edges.filter((_, edge) => edgeState(skeleton, states, v, edge) === CONSTANT);
    if (dead.length === 0) return null;
    for (const { from } of dead) {
      if (seen.has(from)) continue;
      seen.add(from);
      pending.push(from);
    }
  }
  return [...groups];
}
