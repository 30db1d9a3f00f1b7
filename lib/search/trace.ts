// The trace graph: which nodes of a network are vertices of the search, and how data flows between
// them. Parameters, and nodes that depend on parameters alone (constants), are no vertices; they
// belong to the vertices that read them. Nothing here knows segments or erasure.

import {
  consumers,
  isParameter,
  type Graph,
  type Node,
  type Op,
  type Parameter,
  type Value,
} from '../graph.js';

/** One data input of a vertex. */
export interface Edge {
  /** The vertex it comes from, or `SOURCE`. */
  readonly from: number;
  /** Its index among the node's inputs. */
  readonly input: number;
  readonly value: Value;
  /** Whether it is the first output of its node, the only one that operators answer `zero` for. */
  readonly first: boolean;
}

/** A node that depends on an input of the network. Ids follow the graph's topological order. */
export interface Vertex {
  readonly id: number;
  readonly node: Node;
  /** In the order of the node's inputs; constants are left out. */
  readonly edges: readonly Edge[];
  /** The vertices that read it, each once, ascending. */
  readonly successors: readonly number[];
  /** Whether one of its results is an output of the network. */
  readonly output: boolean;
  /** Several data inputs meet here, and the result is still defined when one disappears. */
  readonly joint: Op['joint'];
  /** The parameters it reads, also through constants. */
  readonly parameters: readonly Parameter[];
  /** The constant nodes it reads, in graph order. */
  readonly constants: readonly Node[];
}

export interface Trace {
  readonly graph: Graph;
  readonly vertices: readonly Vertex[];
  /** The vertices that read an input of the network. */
  readonly sources: readonly number[];
  /** Nodes that depend on parameters alone, in graph order. */
  readonly constants: readonly Node[];
}

/** `Edge.from` of an input of the network. */
export const SOURCE = -1;

/** What a constant value stands for. */
interface Constant {
  readonly parameters: readonly Parameter[];
  readonly nodes: readonly Node[];
}

type Draft = Omit<Vertex, 'successors'>;

export function traceGraph(graph: Graph): Trace {
  const origin = new Map<Value, number>(graph.inputs.map((value) => [value, SOURCE]));
  const constants = new Map<Value, Constant>();
  const outputs = new Set(graph.outputs);
  const drafts: Draft[] = [];
  for (const node of graph.nodes) {
    const edges = dataEdges(node, origin);
    const constant = gather(node, constants);
    if (edges.length === 0) {
      const own = { parameters: constant.parameters, nodes: [...constant.nodes, node] };
      for (const value of node.outputs) constants.set(value, own);
      continue;
    }
    for (const value of node.outputs) origin.set(value, drafts.length);
    drafts.push({
      id: drafts.length,
      node,
      edges,
      output: node.outputs.some((value) => outputs.has(value)),
      joint: edges.length > 1 ? node.op.joint : null,
      parameters: constant.parameters,
      constants: constant.nodes,
    });
  }
  return connect(graph, drafts);
}

function connect(graph: Graph, drafts: readonly Draft[]): Trace {
  const readers = consumers(graph);
  const idOf = new Map(drafts.map((draft) => [draft.node, draft.id]));
  const idsOf = (values: readonly Value[]): number[] => {
    const ids = values.flatMap((value) => readers.get(value) ?? []).map((node) => idOf.get(node) as number);
    return [...new Set(ids)].toSorted((a, b) => a - b);
  };
  return {
    graph,
    vertices: drafts.map((draft) => ({ ...draft, successors: idsOf(draft.node.outputs) })),
    sources: idsOf(graph.inputs),
    constants: graph.nodes.filter((node) => !idOf.has(node)),
  };
}

function dataEdges(node: Node, origin: ReadonlyMap<Value, number>): Edge[] {
  return node.inputs.flatMap((value, input) => {
    const from = origin.get(value);
    if (from === undefined) return [];
    const first = typeof value.origin === 'string' || value.origin.outputs[0] === value;
    return [{ from, input, value, first }];
  });
}

/** Parameters and constant nodes that `node` reads directly or through constants, each once. */
function gather(node: Node, constants: ReadonlyMap<Value, Constant>): Constant {
  const parameters = new Set<Parameter>();
  const nodes = new Set<Node>();
  for (const value of node.inputs) {
    if (isParameter(value)) parameters.add(value);
    const constant = constants.get(value);
    constant?.parameters.forEach((parameter) => parameters.add(parameter));
    constant?.nodes.forEach((inner) => nodes.add(inner));
  }
  return { parameters: [...parameters], nodes: [...nodes] };
}
