// What a network gives up when a concatenation loses one of its inputs: the missing channels are
// followed downstream until operators absorb them. On the way, parameters that would turn a channel of
// zeros into a constant (scale and bias of a batch normalisation, say) must go with the channels.

import { isParameter, type Node, type Parameter, type Value } from '../graph.js';
import { dim } from '../shape.js';
import { narrowVertex, type NarrowedVertex } from './narrow.js';
import { IdQueue } from './queue.js';
import type { Edge, Trace, Vertex } from './trace.js';

/** Elements of a parameter: the indices along one axis, or (null) all of them. */
export interface Member {
  readonly parameter: Parameter;
  readonly axis: number;
  readonly indices: readonly number[] | null;
}

/** The loss of one input of a concatenation. */
export interface Loss {
  /** Why it cannot be absorbed; '' when it can. */
  readonly blocked: string;
  /** What must be zero along with the input, so that its channels stay zero. */
  readonly members: readonly Member[];
}

/** Losses of each concatenation by vertex id, one for each of its edges. */
export type Losses = ReadonlyMap<number, readonly Loss[]>;

/**
 * Channels are followed one by one, through everything behind each concatenation, and a network of a few nodes
 * can have any number of them. So there is an end to it, for each loss, which bounds memory, and for all, which
 * bounds time. The 593 losses of DenseNet-121 take 1.4 million together.
 */
const mostFollowed = { one: 2 ** 22, all: 2 ** 25 };

export function channelLosses(trace: Trace): Losses {
  const joints = trace.vertices.filter((vertex) => vertex.joint === 'concat');
  if (joints.length === 0) return new Map();
  const walk: Walk = { trace, uses: countUses(trace), left: mostFollowed.all };
  return new Map(joints.map((vertex) => [vertex.id, vertex.edges.map((edge) => follow(walk, vertex, edge))]));
}

/** What all losses of a network share. */
interface Walk {
  readonly trace: Trace;
  readonly uses: ReadonlyMap<Parameter, number>;
  /** Channels that may still be followed. */
  left: number;
}

const channelsOf = ({ node }: Vertex): number =>
  node.outputs.reduce((sum, { type }) => sum + (type.shape[1] ?? 1), 0);

/** How often each parameter is read. */
function countUses(trace: Trace): ReadonlyMap<Parameter, number> {
  const uses = new Map<Parameter, number>();
  for (const node of trace.graph.nodes) {
    for (const value of node.inputs) if (isParameter(value)) uses.set(value, (uses.get(value) ?? 0) + 1);
  }
  return uses;
}

/** One parameter slice met on the way. */
interface Cut {
  readonly parameter: Parameter;
  readonly axis: number;
  readonly keep: readonly number[];
}

function follow(walk: Walk, joint: Vertex, lost: Edge): Loss {
  const { trace, uses } = walk;
  const most = Math.min(walk.left, mostFollowed.one);
  let followed = 0;
  const kept = new Map<Value, readonly number[]>();
  /** Values whose lost channels are not zero, and the vertices where that begins. */
  const loud = new Map<Value, Vertex>();
  const cuts: Cut[] = [];
  const members: Member[] = [];
  const queue = new IdQueue();
  const done = new Set<number>();
  queue.push(joint.id);
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (done.has(id)) continue;
    done.add(id);
    const vertex = trace.vertices[id] as Vertex;
    const left = (edge: Edge) => (edge === lost ? 'gone' : (kept.get(edge.value) ?? null));
    if (id !== joint.id && vertex.edges.every((edge) => left(edge) === null)) continue;
    followed += channelsOf(vertex);
    if (followed > most) return blocked('are too many to follow');
    walk.left -= channelsOf(vertex);
    const narrowed = narrowVertex(vertex, left);
    if (!narrowed) return blocked(`cannot be taken out of ${describe(vertex)}${keeper(vertex, left)}`);
    cuts.push(...cutsOf(vertex.node, narrowed));
    const noise = vertex.edges.map((edge) => loud.get(edge.value)).find((source) => source !== undefined);
    if (narrowed.outputs.every((k) => k === null)) {
      if (noise) return blocked(`would not stay zero in ${describe(noise)}`);
      continue;
    }
    // A concatenation does not mix channels, so those of its whole inputs do not matter.
    const isZero = (edge: Edge) =>
      !loud.has(edge.value) && (left(edge) !== null || vertex.joint === 'concat');
    const silent = id === joint.id ? [] : silencers(vertex, narrowed, isZero);
    // A product may still silence it.
    if (!silent) vertex.node.outputs.forEach((value) => loud.set(value, noise ?? vertex));
    members.push(...(silent ?? []));
    narrowed.outputs.forEach((k, index) => k && kept.set(vertex.node.outputs[index] as Value, k));
    vertex.successors.forEach((successor) => queue.push(successor));
  }
  const shared = cuts.find((cut) => !cutEverywhere(cut, cuts, uses));
  if (shared) return blocked(`would be taken out of '${shared.parameter.name}' in one of its uses only`);
  return { blocked: '', members: merge(members) };
}

const blocked = (reason: string): Loss => ({ blocked: reason, members: [] });

const describe = ({ node, output }: Vertex): string =>
  `'${node.name}' (${node.op.name}${output ? ', an output of the network' : ''})`;

/** An input of several that has all of its channels, if there is one, for a complaint. */
function keeper({ edges }: Vertex, left: (edge: Edge) => unknown): string {
  const full = edges.find((edge) => left(edge) === null);
  return full ? `, whose other input '${full.value.name}' keeps all of its channels` : '';
}

const cutsOf = (node: Node, narrowed: NarrowedVertex): Cut[] =>
  narrowed.slices.map(({ input, axis, keep }) => ({
    parameter: node.inputs[input] as Parameter,
    axis,
    keep,
  }));

/** A shared parameter can only lose what it loses in all its uses. */
function cutEverywhere(cut: Cut, cuts: readonly Cut[], uses: ReadonlyMap<Parameter, number>): boolean {
  if (uses.get(cut.parameter) === 1) return true;
  const same = cuts.filter(
    (other) =>
      other.parameter === cut.parameter &&
      other.axis === cut.axis &&
      other.keep.length === cut.keep.length &&
      other.keep.every((index, place) => index === cut.keep[place]),
  );
  return same.length === uses.get(cut.parameter);
}

/**
 * The slices of `vertex` that must be zero so that zero channels leave it as zero channels; as few as
 * that takes. Null where no trainable parameter achieves it.
 */
function silencers(
  { node, edges }: Vertex,
  { slices }: NarrowedVertex,
  isZero: (edge: Edge) => boolean,
): readonly Member[] | null {
  const zeros = node.inputs.map(() => false);
  for (const edge of edges) zeros[edge.input] = isZero(edge);
  const trainable = slices
    .map((slice) => slice.input)
    .filter((input) => (node.inputs[input] as Parameter).trainable);
  const needed = new Set(trainable);
  const silentWith = (inputs: ReadonlySet<number>): boolean =>
    node.op.zero(zeros.map((zero, index) => zero || inputs.has(index)));
  if (!silentWith(needed)) return null;
  for (const input of trainable) {
    needed.delete(input);
    if (!silentWith(needed)) needed.add(input);
  }
  return slices
    .filter(({ input }) => needed.has(input))
    .map(({ input, axis, keep }) => {
      const parameter = node.inputs[input] as Parameter;
      return { parameter, axis, indices: complement(keep, dim(parameter.type.shape, axis)) };
    });
}

/** The indices below `size` that are not in `some`, which ascend. */
export function complement(some: readonly number[], size: number): readonly number[] {
  const others: number[] = [];
  for (let index = 0, next = 0; index < size; index += 1) {
    if (some[next] === index) next += 1;
    else others.push(index);
  }
  return others;
}

/** One member for each parameter and axis, indices ascending; `null` swallows indices. */
export function merge(members: readonly Member[]): readonly Member[] {
  if (members.length < 2) return members;
  const byParameter = new Map<string, Member>();
  for (const member of members) {
    const key = `${member.axis} ${member.parameter.name}`;
    const known = byParameter.get(key);
    byParameter.set(key, known ? union(known, member) : member);
  }
  return [...byParameter.values()];
}

function union(a: Member, b: Member): Member {
  if (!a.indices || !b.indices) return { ...a, indices: null };
  return { ...a, indices: [...new Set([...a.indices, ...b.indices])].toSorted((x, y) => x - y) };
}
