// Folds an epilogue (an activation that a kernel can apply before storing its result) into the operator
// before it. Which operators take part is said by `epilogue` and `fuse`; none is named here.

import {
  producer,
  readTwice,
  remakeNode,
  rewrite,
  type Graph,
  type Node,
  type Op,
  type Value,
} from '../graph.js';

/** The same function with fewer nodes; a fused node keeps its own name. */
export function fuse(graph: Graph): Graph {
  const folded = epilogues(graph);
  const fused = new Map<Node, Op>();
  for (const [node, op] of folded) fused.set(producer(node.inputs[0] as Value) as Node, op);
  return rewrite(graph, (node, inputs, builder) => {
    const values = inputs as readonly Value[];
    if (folded.has(node)) return [values[0] as Value];
    const op = fused.get(node);
    return op ? builder.append(remakeNode(node, op, values)).outputs : builder.copy(node, values);
  });
}

/** The nodes that fold into their producer, with the operator that the producer becomes. */
function epilogues(graph: Graph): ReadonlyMap<Node, Op> {
  const shared = readTwice(graph);
  const outputs = new Set(graph.outputs);
  const folded = new Map<Node, Op>();
  for (const node of graph.nodes) {
    const [x] = node.inputs;
    if (!node.op.epilogue || !x || outputs.has(x) || shared.has(x)) continue;
    const maker = producer(x);
    const op = maker?.outputs[0] === x ? maker.op.fuse(node.op.epilogue) : null;
    if (op && node.inputs.length === 1) folded.set(node, op);
  }
  return folded;
}
