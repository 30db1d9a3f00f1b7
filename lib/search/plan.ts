// What becomes of each vertex of the sub-network once groups are zero: which inputs stay and how its
// operator narrows. Costs and construction both read this plan, so they cannot disagree.

import { invariant } from '../errors.js';
import type { Value } from '../graph.js';
import { narrowVertex, type NarrowedVertex } from './narrow.js';
import { JOINT, type Skeleton } from './skeleton.js';
import type { Edge, Vertex } from './trace.js';
import { DATA, edgeState, type Evaluation } from './validity.js';

/** The vertices that change, by id; needed vertices that are missing here stay as they are. */
export type Plan = ReadonlyMap<number, NarrowedVertex>;

/** Plans the sub-network of a valid evaluation. */
export function planSubnet(skeleton: Skeleton, { states, needed }: Evaluation): Plan {
  const plan = new Map<number, NarrowedVertex>();
  const kept = new Map<Value, readonly number[]>();
  for (const vertex of skeleton.trace.vertices) {
    const { id, edges } = vertex;
    if (!needed[id]) continue;
    const gone = new Set<Edge>();
    if (skeleton.kind[id] === JOINT) {
      edges.forEach((edge, index) => edgeState(skeleton, states, id, index) !== DATA && gone.add(edge));
    }
    if (gone.size === 0 && (kept.size === 0 || edges.every((edge) => !kept.has(edge.value)))) continue;
    const narrowed = narrowVertex(vertex, (edge) =>
      gone.has(edge) ? 'gone' : (kept.get(edge.value) ?? null),
    );
    invariant(narrowed, `'${vertex.node.name}' cannot lose the channels that a valid erasure takes from it`);
    plan.set(id, narrowed);
    keep(kept, vertex, narrowed);
  }
  return plan;
}

function keep(kept: Map<Value, readonly number[]>, { node }: Vertex, { outputs }: NarrowedVertex): void {
  outputs.forEach((channels, index) => {
    const value = node.outputs[index] as Value;
    if (channels) kept.set(value, channels);
  });
}
