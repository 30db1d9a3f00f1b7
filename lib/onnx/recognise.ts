// Several nodes of a file that together say what one operator does become that operator. Which ones do is the
// business of the operators; what nobody reads any more is left for the next pass.

import { makeNode, type Graph, type Node, type Value } from '../graph.js';
import { spelledActivation } from '../ops/spelled-activation.js';

/** The same network with fewer kinds of nodes. */
export function recognise(graph: Graph): Graph {
  const now = new Map<Value, Value>();
  const nodes = graph.nodes.map((node) => {
    const next = recognised(node, now);
    if (next !== node) node.outputs.forEach((value, index) => now.set(value, next.outputs[index] as Value));
    return next;
  });
  return { ...graph, nodes, outputs: graph.outputs.map((value) => now.get(value) ?? value) };
}

function recognised(node: Node, now: ReadonlyMap<Value, Value>): Node {
  const activation = node.outputs[0] && spelledActivation(node.outputs[0]);
  const inputs = activation ? [activation.x] : node.inputs;
  if (!activation && !inputs.some((value) => now.has(value))) return node;
  return makeNode(
    node.name,
    activation?.op ?? node.op,
    inputs.map((value) => now.get(value) ?? value),
    node.outputs.map(({ name }) => name),
  );
}
