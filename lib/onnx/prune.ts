// Drops what no output needs: nodes that were only there for their shape, and constants that became
// attributes. Inputs stay, since they are the network's face.

import { GraphBuilder, type Graph, type Value } from '../graph.js';

/** The same network without nodes and parameters that no output depends on. */
export function prune(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs);
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((v) => needed.has(v))) node.inputs.forEach((v) => needed.add(v));
  }
  const parameters = graph.parameters.filter((p) => needed.has(p));
  const nodes = graph.nodes.filter((n) => n.outputs.some((v) => needed.has(v)));
  if (parameters.length === graph.parameters.length && nodes.length === graph.nodes.length) return graph;
  const builder = new GraphBuilder();
  graph.inputs.forEach((v) => builder.adoptInput(v));
  parameters.forEach((p) => builder.adopt(p));
  nodes.forEach((n) => builder.append(n));
  return builder.graph(graph.outputs);
}
