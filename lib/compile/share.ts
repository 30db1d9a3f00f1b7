// Computes once what a network computes several times: nodes that call the same kernels on the same values
// become one. Super-networks are full of such twins, since the candidates of an edge begin with the rectifier
// or the pooling of one state. Which nodes are alike is read off their kernel calls.

import { readTwice, rewrite, type Graph, type Mode, type Op, type Value } from '../graph.js';

/** The same function with the same gradients and fewer nodes. */
export function share(graph: Graph): Graph {
  const known = new Map<string, readonly Value[]>();
  const numbers = new Map<Value, number>();
  const number = (value: Value): number => {
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return numbers.get(value) as number;
  };
  // Twins read the same values, so each of those is read more than once, or once and has a twin of its own.
  const shared = new Set(readTwice(graph));
  return rewrite(graph, (node, inputs, builder) => {
    const values = inputs as readonly Value[];
    const calls = node.inputs.every((value) => shared.has(value)) ? repeatable(node.op) : null;
    if (!calls) return builder.copy(node, values);
    node.outputs.forEach((value) => shared.add(value));
    const key = `${values.map(number).join(' ')} ${calls}`;
    const outputs = known.get(key) ?? builder.copy(node, values);
    known.set(key, outputs);
    return outputs;
  });
}

const MODES: readonly Mode[] = ['train', 'probe', 'eval'];

/** What an operator does in every mode, as text; null where it changes what it is given. */
function repeatable(op: Op): string | null {
  const calls = MODES.map((mode) => op.lower(mode));
  return calls.some((call) => call.updates?.length) ? null : JSON.stringify([op.name, op.attrs, calls]);
}
