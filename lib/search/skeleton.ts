// The network reduced to what an erasure can change: flat tables over vertices and edges, made for
// being walked many thousand times. Derived from trace, segments and groups; nothing is decided here.

import type { Grouping } from './groups.js';
import type { Losses } from './losses.js';
import { fullSize, type Blank } from './removable.js';
import type { Chain } from './segments.js';
import type { Trace, Vertex } from './trace.js';

export interface Skeleton {
  readonly trace: Trace;
  readonly groupCount: number;
  /** By vertex: the group of its segment, or -1. */
  readonly groupOf: Int32Array;
  /** By vertex: its group where it is the last of a removable segment, or -1. */
  readonly exitOf: Int32Array;
  /** By group: its first exit. Ids follow the flow of data, so smaller is nearer to the input. */
  readonly position: Int32Array;
  /** By vertex: its first edge in `edgeFrom`; one more entry at the end. */
  readonly edgeStart: Int32Array;
  /** By edge: the vertex it comes from, or `SOURCE`. */
  readonly edgeFrom: Int32Array;
  /** By edge: whether it is the first result of that vertex. */
  readonly edgeFirst: Uint8Array;
  /** The joints, and the vertices that are outputs, ascending. */
  readonly joints: Int32Array;
  readonly outputs: Int32Array;
  /** By vertex: one of SINGLE, JOINT, MANY. */
  readonly kind: Uint8Array;
  /** By vertex of kind SINGLE: bit `taken + 2 * zeroInput` says whether its result is zero. */
  readonly zeroBits: Uint8Array;
  /** Which constants are zero once the group of their readers is. */
  readonly blank: Blank;
  /** By sum that broadcasts: which edges have its shape. */
  readonly full: ReadonlyMap<number, readonly boolean[]>;
  readonly losses: Losses;
  /** Whether the loss of some channels takes parameters with it. */
  readonly silencing: boolean;
}

export const SINGLE = 0;
export const JOINT = 1;
export const MANY = 2;

export function buildSkeleton(
  trace: Trace,
  chains: readonly Chain[],
  losses: Losses,
  { groups, blank }: Grouping,
): Skeleton {
  const count = trace.vertices.length;
  const groupOf = new Int32Array(count).fill(-1);
  const exitOf = new Int32Array(count).fill(-1);
  const position = new Int32Array(groups.length).fill(count);
  for (const group of groups) {
    for (const segment of group.segments) {
      const { vertices } = chains[segment] as Chain;
      const exit = vertices.at(-1) as number;
      for (const vertex of vertices) groupOf[vertex] = group.id;
      exitOf[exit] = group.id;
      position[group.id] = Math.min(position[group.id] as number, exit);
    }
  }
  return {
    trace,
    groupCount: groups.length,
    groupOf,
    exitOf,
    position,
    ...edgeTables(trace),
    kind: new Uint8Array(trace.vertices.map(kindOf)),
    zeroBits: new Uint8Array(trace.vertices.map((vertex) => zeroBitsOf(vertex, blank))),
    blank,
    full: broadcastingSums(trace),
    losses,
    silencing: [...losses.values()].some((list) => list.some((loss) => loss.members.length > 0)),
  };
}

function edgeTables({ vertices }: Trace) {
  const edgeStart = new Int32Array(vertices.length + 1);
  for (const { id, edges } of vertices) edgeStart[id + 1] = (edgeStart[id] as number) + edges.length;
  const edgeFrom = new Int32Array(edgeStart.at(-1) as number);
  const edgeFirst = new Uint8Array(edgeFrom.length);
  let next = 0;
  for (const { edges } of vertices) {
    for (const { from, first } of edges) {
      edgeFrom[next] = from;
      edgeFirst[next] = first ? 1 : 0;
      next += 1;
    }
  }
  return {
    edgeStart,
    edgeFrom,
    edgeFirst,
    joints: idsWhere(vertices, (vertex) => vertex.joint !== null),
    outputs: idsWhere(vertices, (vertex) => vertex.output),
  };
}

const idsWhere = (vertices: readonly Vertex[], holds: (vertex: Vertex) => boolean): Int32Array =>
  new Int32Array(vertices.filter(holds).map((vertex) => vertex.id));

const kindOf = (vertex: Vertex): number => {
  if (vertex.joint) return JOINT;
  return vertex.edges.length === 1 ? SINGLE : MANY;
};

function zeroBitsOf({ node, edges }: Vertex, blank: Blank): number {
  const edge = edges[0];
  if (edges.length !== 1 || !edge) return 0;
  const kept = node.inputs.map(() => false);
  const taken = node.inputs.map(blank);
  let bits = 0;
  for (let state = 0; state < 4; state += 1) {
    const zeros = (state & 1) === 1 ? taken : kept;
    zeros[edge.input] = (state & 2) === 2 && edge.first;
    if (node.op.zero(zeros)) bits |= 1 << state;
  }
  return bits;
}

function broadcastingSums(trace: Trace): ReadonlyMap<number, readonly boolean[]> {
  const full = new Map<number, readonly boolean[]>();
  for (const vertex of trace.vertices) {
    if (vertex.joint !== 'sum') continue;
    const flags = vertex.edges.map((edge) => fullSize(vertex, edge));
    if (flags.includes(false)) full.set(vertex.id, flags);
  }
  return full;
}
