// The last pass over a network that was read: what no output needs goes (nodes that were only there for
// their shape, and constants that became attributes), and outputs get the names that the file gives them,
// since programs ask for them by name. Inputs stay, since they are the network's face.

import { producer, type Graph, type Node, type Value } from '../graph.js';
import { replaceNodes } from './replace-nodes.js';

/** What the outputs of `draft` need, with `names` for the outputs where a node makes them and the name is free. */
export function finish(draft: Graph, names: readonly string[]): Graph {
  const pruned = prune(draft);
  const wanted = freeNames(pruned, names);
  return replaceNodes(pruned, ({ outputs }) =>
    outputs.some((value) => wanted.has(value))
      ? { outputNames: outputs.map((value) => wanted.get(value) ?? value.name) }
      : null,
  );
}

function prune(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => needed.has(value))) continue;
    nodes.push(node);
    for (const value of node.inputs) needed.add(value);
  }
  const parameters = graph.parameters.filter((parameter) => needed.has(parameter));
  return { ...graph, parameters, nodes: nodes.toReversed() };
}

/** The names for outputs that nothing else goes by. */
function freeNames(graph: Graph, names: readonly string[]): ReadonlyMap<Value, string> {
  const wanted = new Map<string, Value>();
  const named = new Set<Value>();
  graph.outputs.forEach((value, index) => {
    const name = names[index] ?? value.name;
    if (producer(value) === null || named.has(value) || wanted.has(name)) return;
    wanted.set(name, value);
    named.add(value);
  });
  const values = [graph.inputs, graph.parameters, ...graph.nodes.map((node) => node.outputs)];
  for (const list of values) for (const { name } of list) wanted.delete(name);
  return new Map(Array.from(wanted, ([name, value]) => [value, name]));
}
