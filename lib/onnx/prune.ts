// Drops what no output needs: nodes that were only there for their shape, and constants that became
// attributes. Inputs stay, since they are the network's face.

import { GraphBuilder, type Graph, type Value } from '../graph.js';

/** The same network without nodes and parameters that no output depends on. */
export function prune(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs);
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.some((v) => needed.has(v))) node.inputs.forEach((v) => needed.add(v));
  }
  const builder = new GraphBuilder();
  graph.inputs.forEach((v) => builder.adoptInput(v));
  graph.parameters.filter((p) => needed.has(p)).forEach((p) => builder.adopt(p));
  graph.nodes.filter((n) => n.outputs.some((v) => needed.has(v))).forEach((n) => builder.append(n));
  return builder.graph(graph.outputs);
}
