// The last pass over a network that was read: what no output needs goes (nodes that were only there for
// their shape, and constants that became attributes), and inputs and outputs have the names that the file
// gives them, since programs ask for them by name; whatever else goes by one makes way. Inputs stay, since
// they are the network's face.

import { addUnique } from '../collections.js';
import { producer, type Graph, type Node, type Parameter, type Value } from '../graph.js';
import { replaceNodes } from './replace-nodes.js';

/** What the outputs of `draft` need, with `names` for the outputs that a node makes, each of them once. */
export function finish(draft: Graph, names: readonly string[]): Graph {
  const pruned = prune(draft);
  const wanted = new Map(pruned.outputs.map((value, index) => [value, names[index] ?? value.name]));
  const changed = newNames(pruned, wanted);
  return changed.size === 0 ? pruned : renamed(pruned, changed);
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

/** What is to be called otherwise than it is: outputs as `wanted`, others where they have the name of an input or output. */
function newNames({ inputs, parameters, nodes }: Graph, wanted: ReadonlyMap<Value, string>) {
  const names = new Map<Value, string>();
  const faces = new Set([...inputs.map(({ name }) => name), ...wanted.values()]);
  const inner = [parameters, ...nodes.map(({ outputs }) => outputs)];
  let taken: Set<string> | null = null;
  const rename = (value: Value): void => {
    const own = wanted.get(value);
    const asked = producer(value) ? own : undefined;
    if (own === value.name || (asked === undefined && !faces.has(value.name))) return;
    taken ??= new Set([...faces, ...inner.flat().map(({ name }) => name)]);
    names.set(value, asked ?? addUnique(taken, value.name));
  };
  for (const values of inner) for (const value of values) rename(value);
  return names;
}

const renamed = (graph: Graph, names: ReadonlyMap<Value, string>): Graph => {
  const parameters = graph.parameters.flatMap((parameter): [Value, Parameter][] => {
    const name = names.get(parameter);
    return name === undefined ? [] : [[parameter, { ...parameter, name }]];
  });
  return replaceNodes(
    graph,
    ({ outputs }) =>
      outputs.some((value) => names.has(value))
        ? { outputNames: outputs.map((value) => names.get(value) ?? value.name) }
        : null,
    new Map(parameters),
  );
};
