// Outputs of a network under the names that its file gives them, since programs ask for them by name.
// Other values stay named after their nodes.

import { makeNode, producer, rewrite, type Graph, type Value } from '../graph.js';

/** The same network whose output values have `names`, where a node makes them and the name is free. */
export function nameOutputs(graph: Graph, names: readonly string[]): Graph {
  const wanted = new Map<Value, string>();
  const taken = new Set(
    [...graph.inputs, ...graph.parameters, ...graph.nodes.flatMap((n) => n.outputs)].map((v) => v.name),
  );
  graph.outputs.forEach((value, index) => {
    const name = names[index] ?? value.name;
    if (producer(value) === null || wanted.has(value) || taken.has(name)) return;
    wanted.set(value, name);
    taken.add(name);
  });
  if (wanted.size === 0) return graph;
  return rewrite(graph, (node, inputs, builder) => {
    if (!node.outputs.some((v) => wanted.has(v))) return builder.copy(node, inputs as Value[]);
    const outputNames = node.outputs.map((v) => wanted.get(v) ?? v.name);
    return builder.append(makeNode(node.name, node.op, inputs as Value[], outputNames)).outputs;
  });
}
