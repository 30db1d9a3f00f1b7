// The trace graph: which nodes of a network are vertices of the search, and how data flows between
// them. Parameters, and nodes that depend on parameters alone (constants), are no vertices; they
// belong to the vertices that read them. Nothing here knows segments or erasure.

import { distinct } from '../collections.js';
import {
  isParameter,
  producer,
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
  readonly joint: Exclude<Op['joint'], 'beside'>;
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

export function traceGraph(graph: Graph): Trace {
  const ids = new Map<Node, number>();
  const constants = new Map<Value, Constant>();
  const outputs = new Set(graph.outputs);
  const vertices: Vertex[] = [];
  const successors: number[][] = [];
  const constantNodes: Node[] = [];
  for (const node of graph.nodes) {
    const edges = dataEdges(node, ids);
    const { parameters, nodes } = constants.size > 0 ? gather(node, constants) : directly(node);
    if (edges.length === 0) {
      constantNodes.push(node);
      for (const value of node.outputs) constants.set(value, { parameters, nodes: [...nodes, node] });
      continue;
    }
    ids.set(node, vertices.length);
    const readers: number[] = [];
    successors.push(readers);
    vertices.push({
      id: vertices.length,
      node,
      edges,
      successors: readers,
      output: node.outputs.some((value) => outputs.has(value)),
      joint: edges.length > 1 && node.op.joint !== 'beside' ? node.op.joint : null,
      parameters,
      constants: nodes,
    });
  }
  return { graph, vertices, sources: connect(vertices, successors), constants: constantNodes };
}

/** Fills in the successors, which are only known once all vertices are; returns the readers of inputs. */
function connect(vertices: readonly Vertex[], successors: readonly number[][]): readonly number[] {
  const sources: number[] = [];
  for (const { id, edges } of vertices) {
    for (const { from } of edges) {
      const readers = from === SOURCE ? sources : (successors[from] as number[]);
      if (readers.at(-1) !== id) readers.push(id);
    }
  }
  return sources;
}

/** The inputs of `node` that are inputs of the network or results of vertices, which have `ids`. */
function dataEdges(node: Node, ids: ReadonlyMap<Node, number>): readonly Edge[] {
  const edges: Edge[] = [];
  node.inputs.forEach((value, input) => {
    if (isParameter(value)) return;
    const maker = producer(value);
    const from = maker ? ids.get(maker) : SOURCE;
    if (from === undefined) return;
    const first = maker === null || maker.outputs[0] === value;
    edges.push({ from, input, value, first });
  });
  return edges;
}

const none: readonly never[] = [];

/** The parameters that `node` reads itself, each once. */
const directly = (node: Node): Constant => ({
  parameters: distinct(node.inputs.filter(isParameter)),
  nodes: none,
});

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
