// Which sets of groups may be zero together. A set is valid when every output still carries data, no
// joint on the way mixes data with a dead constant, no shape that somebody sees changes, and what
// concatenations lose is absorbed. Then zeroing the groups and constructing the sub-network give the same
// function exactly.

import { planSubnet, type Plan } from './plan.js';
import type { Skeleton } from './skeleton.js';
import {
  CONSTANT,
  DATA,
  demand,
  edgeState,
  isTaken,
  propagate,
  stateAt,
  ZERO,
  type Taken,
} from './states.js';
import type { Vertex } from './trace.js';

/** Something that makes a set of groups invalid. `edge` is a position in the vertex's edges. */
export type Violation =
  | { readonly kind: 'output'; readonly vertex: number } // carries no data
  | { readonly kind: 'constant'; readonly vertex: number; readonly edge: number } // would meet data
  | { readonly kind: 'shape'; readonly vertex: number } // a sum without a term of its own size
  | { readonly kind: 'channels'; readonly vertex: number; readonly edge: number } // cannot be absorbed
  | { readonly kind: 'together'; readonly vertex: number }; // loses more than can be absorbed at once

export interface Evaluation {
  readonly taken: Taken;
  /** State of each vertex. */
  readonly states: Uint8Array;
  /** Vertices that carry data to an output: those that the sub-network consists of. */
  readonly needed: Uint8Array;
  /** What becomes of the needed vertices; null where there are violations. */
  readonly plan: Plan | null;
  readonly violations: readonly Violation[];
}

export function evaluate(skeleton: Skeleton, taken: Taken): Evaluation {
  const states = propagate(skeleton, taken);
  const needed = demand(skeleton, states);
  const violations = findViolations(skeleton, taken, states, needed);
  if (violations.length > 0) return { taken, states, needed, plan: null, violations };
  const { changes, stuck } = planSubnet(skeleton, states, needed);
  if (stuck === null) return { taken, states, needed, plan: changes, violations };
  return { taken, states, needed, plan: null, violations: [{ kind: 'together', vertex: stuck }] };
}

export const isValid = (skeleton: Skeleton, taken: Taken): boolean =>
  evaluate(skeleton, taken).violations.length === 0;

function findViolations(
  skeleton: Skeleton,
  taken: Taken,
  states: Uint8Array,
  needed: Uint8Array,
): readonly Violation[] {
  const violations: Violation[] = [];
  for (const vertex of skeleton.outputs) {
    if (states[vertex] !== DATA) violations.push({ kind: 'output', vertex });
  }
  const silent = skeleton.silencing ? silencedZeros(skeleton, taken, states) : null;
  for (const id of skeleton.joints) {
    if (needed[id]) violations.push(...jointViolations(skeleton, silent, states, id));
  }
  return violations;
}

function jointViolations(
  skeleton: Skeleton,
  silent: Uint8Array | null,
  states: Uint8Array,
  id: number,
): readonly Violation[] {
  const start = skeleton.edgeStart[id] as number;
  const count = (skeleton.edgeStart[id + 1] as number) - start;
  const violations: Violation[] = [];
  for (let edge = 0; edge < count; edge += 1) {
    const state = stateAt(skeleton, states, start + edge);
    if (state === CONSTANT) violations.push({ kind: 'constant', vertex: id, edge });
    if (state === ZERO && !absorbs(skeleton, silent, id, edge)) {
      violations.push({ kind: 'channels', vertex: id, edge });
    }
  }
  if (!keepsShape(skeleton, states, id)) violations.push({ kind: 'shape', vertex: id });
  return violations;
}

/** Whether what follows a concatenation can do without this input, which is zero. */
function absorbs(skeleton: Skeleton, silent: Uint8Array | null, vertex: number, edge: number): boolean {
  const loss = skeleton.losses.get(vertex)?.[edge];
  if (!loss) return true;
  if (loss.blocked !== '') return false;
  const from = skeleton.edgeFrom[(skeleton.edgeStart[vertex] as number) + edge] as number;
  return loss.members.length === 0 || silent?.[from] === 1;
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
function keepsShape(skeleton: Skeleton, states: Uint8Array, vertex: number): boolean {
  const full = skeleton.full.get(vertex);
  return !full || full.some((whole, edge) => whole && edgeState(skeleton, states, vertex, edge) === DATA);
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
  if (!('edge' in violation)) return null;
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
