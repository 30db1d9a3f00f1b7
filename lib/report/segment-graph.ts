// The segment graph as it is drawn: one box a segment, arrows between boxes, and what erasing some groups
// does to each. Facts only; sizes, places and colours come later.

import { batchOf, nodeMacs, type Node, type Value } from '../graph.js';
import { setOf } from '../search/selection.js';
import type { SearchSpace, Segment } from '../search/space.js';
import { SOURCE, type Vertex } from '../search/trace.js';
import { evaluate, type Evaluation } from '../search/validity.js';

/** `dropped`: not chosen, but without use once the erased segments are gone. */
export type Fate = 'kept' | 'erased' | 'dropped';

export interface Box {
  /** The segment's. */
  readonly id: number;
  /** Names of its operators, in the order in which data flows. */
  readonly operators: readonly string[];
  /** Names of its nodes, likewise. */
  readonly nodes: readonly string[];
  /** Whether branches meet here. */
  readonly joint: boolean;
  readonly removable: boolean;
  /** The group it belongs to; null where it cannot be removed. */
  readonly group: number | null;
  readonly fate: Fate;
  readonly params: number;
  /** Multiply-accumulates for one image. */
  readonly macs: number;
  /** Why it cannot be removed; '' where it can. */
  readonly reason: string;
}

/** An input or output of the network. */
export interface Terminal {
  readonly name: string;
  readonly shape: readonly number[];
}

/** An end of an arrow: a segment, or an input or output of the network, by position. */
export type End = readonly ['segment' | 'input' | 'output', number];

export interface Arrow {
  readonly from: End;
  readonly to: End;
  /** Whether data still flows here. */
  readonly live: boolean;
}

export interface SegmentGraph {
  readonly boxes: readonly Box[];
  readonly inputs: readonly Terminal[];
  readonly outputs: readonly Terminal[];
  readonly arrows: readonly Arrow[];
}

/** Describes a search space; `erased` are ids of groups that can go together. */
export function segmentGraph(space: SearchSpace, erased: readonly number[] = []): SegmentGraph {
  const view: View = {
    space,
    evaluation: evaluate(space.skeleton, setOf(space, erased)),
    vertexOf: new Map(space.skeleton.trace.vertices.map((vertex) => [vertex.node, vertex])),
    groupOf: new Map(space.groups.flatMap(({ id, segments }) => segments.map((s) => [s, id] as const))),
  };
  return {
    boxes: space.segments.map((segment) => box(view, segment)),
    inputs: space.graph.inputs.map(terminal),
    outputs: space.graph.outputs.map(terminal),
    arrows: space.segments.flatMap((segment) => arrows(view, segment)),
  };
}

const terminal = ({ name, type }: Value): Terminal => ({ name, shape: type.shape });

interface View {
  readonly space: SearchSpace;
  readonly evaluation: Evaluation;
  readonly vertexOf: ReadonlyMap<Node, Vertex>;
  readonly groupOf: ReadonlyMap<number, number>;
}

const verticesOf = ({ vertexOf }: View, { nodes }: Segment): readonly Vertex[] =>
  nodes.map((node) => vertexOf.get(node) as Vertex);

/** The vertex that other segments read. */
const exitOf = (view: View, segment: Segment): Vertex => verticesOf(view, segment).at(-1) as Vertex;

function box(view: View, segment: Segment): Box {
  const { id, nodes, params, removable, reason } = segment;
  const batch = batchOf(view.space.graph.inputs);
  return {
    id,
    operators: nodes.map((node) => node.op.name),
    nodes: nodes.map((node) => node.name),
    joint: exitOf(view, segment).joint !== null,
    removable,
    group: view.groupOf.get(id) ?? null,
    fate: fateOf(view, segment),
    params,
    macs: nodes.reduce((sum, node) => sum + nodeMacs(node), 0) / batch,
    reason,
  };
}

/** A joint that is left with one input is dropped although data still passes. */
function fateOf(view: View, segment: Segment): Fate {
  const { taken, needed, plan } = view.evaluation;
  const { id, joint } = exitOf(view, segment);
  const group = view.groupOf.get(segment.id);
  if (group !== undefined && taken[group]) return 'erased';
  const bypassed = joint !== null && plan?.get(id)?.inputs.length === 1;
  return bypassed || !needed[id] ? 'dropped' : 'kept';
}

function arrows(view: View, segment: Segment): readonly Arrow[] {
  const { graph, segments } = view.space;
  const { needed } = view.evaluation;
  const exit = exitOf(view, segment);
  const flows = (vertex: Vertex): boolean => needed[vertex.id] === 1;
  const here: End = ['segment', segment.id];
  const live = flows(exit);
  const read = verticesOf(view, segment).flatMap((v) => v.edges.filter(({ from }) => from === SOURCE));
  const sources = new Set(read.map(({ value }) => graph.inputs.indexOf(value)));
  return [
    ...[...sources].map((input): Arrow => ({ from: ['input', input], to: here, live })),
    ...segment.next.map((to): Arrow => ({
      from: here,
      to: ['segment', to],
      live: live && flows(exitOf(view, segments[to] as Segment)),
    })),
    ...outputsOf(view, segment).map((output): Arrow => ({ from: here, to: ['output', output], live })),
  ];
}

/** Positions of the network's outputs that a segment makes. */
const outputsOf = ({ space }: View, { nodes }: Segment): readonly number[] =>
  space.graph.outputs.flatMap((value, index) =>
    nodes.some((node) => node.outputs.includes(value)) ? [index] : [],
  );
