// Passes over a network that was read, which replace some of its nodes in place.

import { makeNode, type Graph, type Node, type Op, type Parameter, type Value } from '../graph.js';

/** What becomes of a node; what is not said stays as it is. */
export interface Replacement {
  readonly op?: Op;
  /** Values of the old network. */
  readonly inputs?: readonly Value[];
  readonly outputNames?: readonly string[];
}

/**
 * The same network, where `replace` says what becomes of a node (null where it stays) and others read the new one;
 * `parameters` are those that take another's place.
 */
export function replaceNodes(
  graph: Graph,
  replace: (node: Node) => Replacement | null,
  parameters: ReadonlyMap<Value, Parameter> = new Map(),
): Graph {
  const replaced = new Map<Value, Value>(parameters);
  const current = (value: Value): Value => replaced.get(value) ?? value;
  const nodes = graph.nodes.map((node) => {
    const replacement = replace(node);
    if (replacement === null && !node.inputs.some((value) => replaced.has(value))) return node;
    const {
      op = node.op,
      inputs = node.inputs,
      outputNames = node.outputs.map(({ name }) => name),
    } = replacement ?? {};
    const next = makeNode(node.name, op, inputs.map(current), outputNames);
    node.outputs.forEach((value, index) => replaced.set(value, next.outputs[index] as Value));
    return next;
  });
  return {
    ...graph,
    parameters: graph.parameters.map((parameter) => parameters.get(parameter) ?? parameter),
    nodes,
    outputs: graph.outputs.map(current),
  };
}
