// What becomes of each vertex of the sub-network once groups are zero: which inputs stay and how its
// operator narrows. Validity, costs and construction all read this plan, so they cannot disagree.

import type { Value } from '../graph.js';
import { narrowVertex, type NarrowedVertex } from './narrow.js';
import { JOINT, type Skeleton } from './skeleton.js';
import { DATA, edgeState, stateAt } from './states.js';
import type { Edge, Vertex } from './trace.js';

/** The vertices that change, by id; needed vertices that are missing here stay as they are. */
export type Plan = ReadonlyMap<number, NarrowedVertex>;

export interface Planned {
  readonly changes: Plan;
  /** A concatenation that loses inputs which some operator cannot do without; the plan is void then. */
  readonly stuck: number | null;
}

/** Channels kept of a value, and the last concatenation that made them fewer. */
interface Remaining {
  readonly channels: readonly number[];
  readonly because: number;
}

export function planSubnet(skeleton: Skeleton, states: Uint8Array, needed: Uint8Array): Planned {
  const changes = new Map<number, NarrowedVertex>();
  const kept = new Map<Value, Remaining>();
  for (let id = 0; id < needed.length; id += 1) {
    if (!needed[id] || (kept.size === 0 && !losesInput(skeleton, states, id))) continue;
    const vertex = skeleton.trace.vertices[id] as Vertex;
    const gone = goneEdges(skeleton, states, vertex);
    if (gone.length === 0 && !vertex.edges.some((edge) => kept.has(edge.value))) continue;
    const narrowed = narrowVertex(vertex, (edge) =>
      gone.includes(edge) ? 'gone' : (kept.get(edge.value)?.channels ?? null),
    );
    const because = reasonOf(kept, vertex, gone);
    if (!narrowed) return { changes, stuck: because };
    changes.set(vertex.id, narrowed);
    narrowed.outputs.forEach((channels, index) => {
      if (channels) kept.set(vertex.node.outputs[index] as Value, { channels, because });
    });
  }
  return { changes, stuck: null };
}

/** Whether `id` is a joint that no longer has all of its inputs. */
function losesInput(skeleton: Skeleton, states: Uint8Array, id: number): boolean {
  if (skeleton.kind[id] !== JOINT) return false;
  const end = skeleton.edgeStart[id + 1] as number;
  for (let edge = skeleton.edgeStart[id] as number; edge < end; edge += 1) {
    if (stateAt(skeleton, states, edge) !== DATA) return true;
  }
  return false;
}

const goneEdges = (skeleton: Skeleton, states: Uint8Array, { id, edges }: Vertex): readonly Edge[] =>
  losesInput(skeleton, states, id)
    ? edges.filter((_, edge) => edgeState(skeleton, states, id, edge) !== DATA)
    : [];

/** The concatenation to blame where a vertex cannot narrow: itself, or one further up. */
function reasonOf(kept: ReadonlyMap<Value, Remaining>, vertex: Vertex, gone: readonly Edge[]): number {
  if (vertex.joint === 'concat' && gone.length > 0) return vertex.id;
  const above = vertex.edges.map((edge) => kept.get(edge.value)?.because).find((id) => id !== undefined);
  return above ?? vertex.id;
}
