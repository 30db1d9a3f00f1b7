// Largest valid sets of groups: all of them, less what must stay so that every output lives. What stays
// is found as a cheapest way from the inputs to each value that must carry data; where all joints are
// sums and concatenations and there is one output, that is the shortest path that passes the fewest
// removable segments, and the set is a largest one unless the path then needs repairs.

import { JOINT, type Skeleton } from './skeleton.js';
import { DATA, isTaken, type Taken } from './states.js';
import type { Edge, Vertex } from './trace.js';
import { evaluate, isValid, type Evaluation, type Violation } from './validity.js';

/** What keeping each group costs. */
export type Weights = ArrayLike<number>;

/** All groups but those that had to be kept. */
export interface Extension {
  readonly set: Taken;
  /** Whether the set is valid; where it is not, nothing mends it that keeps these groups and loses what was taken. */
  readonly valid: boolean;
}

/**
 * Extends `taken` by as much more as is found. Groups that weigh more are given up to the set rather
 * than kept.
 */
export function extend(skeleton: Skeleton, taken: Taken, weights: Weights): Extension {
  const kept = new Uint8Array(skeleton.groupCount);
  for (;;) {
    const evaluation = evaluate(skeleton, without(kept));
    if (evaluation.violations.length === 0) return { set: evaluation.taken, valid: true };
    const ways = waysToLife(skeleton, taken, kept, weights);
    const added = evaluation.violations.map((violation) =>
      revive(skeleton, ways, kept, targetOf(skeleton, ways, evaluation, violation)),
    );
    if (added.includes(null) || added.every((count) => count === 0))
      return { set: without(kept), valid: false };
  }
}

const without = (kept: Uint8Array): Taken => kept.map((flag) => 1 - flag);

/**
 * Adds what can be added to a valid set one group at a time; worth it where `extend` had to repair
 * more than one path. Costs an evaluation a group, so it stops after `effort` vertices looked at.
 */
export function saturate(skeleton: Skeleton, taken: Taken, effort = 5e6): Taken {
  const result = taken.slice();
  const size = Math.max(1, skeleton.trace.vertices.length);
  const attempts = Math.floor(effort / size);
  const open = [...result.keys()].filter((group) => !result[group]).slice(0, attempts);
  for (const group of open) {
    result[group] = 1;
    if (!isValid(skeleton, result)) result[group] = 0;
  }
  return result;
}

/**
 * A number of groups that no valid set with all of `taken` exceeds: on the shortest path to some output
 * nothing may be missing. Groups of several segments do not count, since a path may pass them twice.
 */
export function upperBound(skeleton: Skeleton, taken: Taken): number {
  const { groupCount, exitOf, outputs } = skeleton;
  const exits = new Int32Array(groupCount);
  for (const group of exitOf) if (group >= 0) exits[group] = (exits[group] as number) + 1;
  const kept = new Float64Array(exitOf.length);
  for (let id = 0; id < kept.length; id += 1) {
    const group = exitOf[id] as number;
    const own = group >= 0 && exits[group] === 1 ? 1 : 0;
    kept[id] = isTaken(group, taken) ? Infinity : own + passedBefore(skeleton, kept, id);
  }
  return groupCount - outputs.reduce((most, output) => Math.max(most, kept[output] as number), 0);
}

/** The most groups that are passed on a way into a vertex; a joint takes the way with the fewest. */
function passedBefore({ kind, edgeStart, edgeFrom }: Skeleton, kept: Float64Array, id: number): number {
  const choose = kind[id] === JOINT ? Math.min : Math.max;
  const [start, end] = [edgeStart[id] as number, edgeStart[id + 1] as number];
  let passed = wayOf(kept, edgeFrom[start] as number);
  for (let edge = start + 1; edge < end; edge += 1)
    passed = choose(passed, wayOf(kept, edgeFrom[edge] as number));
  return passed;
}

/** For each vertex the least weight that must be kept so that it carries data. */
function waysToLife(skeleton: Skeleton, taken: Taken, kept: Uint8Array, weights: Weights): Float64Array {
  const { trace, exitOf } = skeleton;
  const ways = new Float64Array(exitOf.length);
  trace.vertices.forEach((vertex, id) => {
    const group = exitOf[id] as number;
    const own = group < 0 || kept[group] ? 0 : (weights[group] as number);
    ways[id] = isTaken(group, taken) ? Infinity : own + wayIn(skeleton, ways, vertex);
  });
  return ways;
}

const wayOf = (ways: Float64Array, from: number): number => (from < 0 ? 0 : (ways[from] as number));

function wayIn(skeleton: Skeleton, ways: Float64Array, vertex: Vertex): number {
  if (vertex.joint) return wayOf(ways, cheapest(skeleton, ways, vertex));
  let sum = 0;
  for (const { from } of vertex.edges) sum += wayOf(ways, from);
  return sum;
}

/** The input of a joint that is revived most cheaply and gives it its shape. */
function cheapest({ full }: Skeleton, ways: Float64Array, { id, edges }: Vertex): number {
  const whole = full.get(id);
  return cheapestOf(ways, whole ? edges.filter((_, edge) => whole[edge]) : edges);
}

/** Where the edge comes from that is revived most cheaply. */
function cheapestOf(ways: Float64Array, edges: readonly Edge[]): number {
  let choice = (edges[0] as Edge).from;
  for (const { from } of edges) if (wayOf(ways, from) < wayOf(ways, choice)) choice = from;
  return choice;
}

/** The vertex that must carry data for a violation to go. */
function targetOf(
  skeleton: Skeleton,
  ways: Float64Array,
  { states }: Evaluation,
  violation: Violation,
): number {
  const vertex = skeleton.trace.vertices[violation.vertex] as Vertex;
  if (violation.kind === 'output') return vertex.id;
  if (violation.kind === 'shape') return cheapest(skeleton, ways, vertex);
  if (violation.kind !== 'together') return (vertex.edges[violation.edge] as Edge).from;
  const gone = vertex.edges.filter(({ from }) => from >= 0 && states[from] !== DATA);
  return cheapestOf(ways, gone);
}

/** Keeps what the cheapest way to `target` needs; the number of groups added, null where there is no way. */
function revive(skeleton: Skeleton, ways: Float64Array, kept: Uint8Array, target: number): number | null {
  if (wayOf(ways, target) === Infinity) return null;
  const seen = new Set<number>();
  const pending = [target];
  let added = 0;
  for (let v = pending.pop(); v !== undefined; v = pending.pop()) {
    if (v < 0 || seen.has(v)) continue;
    seen.add(v);
    const group = skeleton.exitOf[v] as number;
    if (group >= 0 && !kept[group]) {
      kept[group] = 1;
      added += 1;
    }
    const vertex = skeleton.trace.vertices[v] as Vertex;
    if (vertex.joint) pending.push(cheapest(skeleton, ways, vertex));
    else pending.push(...vertex.edges.map((edge) => edge.from));
  }
  return added;
}
