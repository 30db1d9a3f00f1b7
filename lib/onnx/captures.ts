// Nodes that hold graphs of their own, such as the branches of If and the body of Loop. What these are made of
// is not read, but they read values of the graph around them without listing them as inputs: here they become
// inputs of the node, so that everybody sees who reads what.

import { decodeBody } from './decode.js';
import { damaged } from './model-error.js';
import type { GraphProto, NodeProto } from './schema.js';

/** Bodies inside bodies; networks have loops in branches, hardly more. */
const deepest = 64;

/** The node with the values that its bodies take from around it as further inputs; itself where it has no body. */
export function withCaptures(node: NodeProto): NodeProto {
  const captured = capturesOf(node, 1);
  if (captured.length === 0) return node;
  const listed = new Set(node.input);
  return { ...node, input: [...node.input, ...captured.filter((name) => !listed.has(name))] };
}

/** The names that the bodies of `node`, which are `depth` deep, use and do not define, each once. */
function capturesOf({ name = '', attribute }: NodeProto, depth: number): readonly string[] {
  if (!attribute.some(({ g, graphs }) => g !== undefined || graphs?.length)) return [];
  if (depth > deepest) damaged(`node '${name}' is more than ${deepest} bodies deep`);
  const bodies = attribute.flatMap(({ g, graphs = [] }) => (g ? [g, ...graphs] : graphs));
  return [...new Set(bodies.flatMap((body) => freeNames(decodeBody(body), depth)))];
}

function freeNames(body: GraphProto, depth: number): readonly string[] {
  const defined = new Set(['', ...definitions(body)]);
  const used = body.node.flatMap((node) => [...node.input, ...capturesOf(node, depth + 1)]);
  const given = body.output.map(({ name = '' }) => name);
  return [...used, ...given].filter((name) => !defined.has(name));
}

const definitions = ({ input, initializer, sparseInitializer = [], node }: GraphProto): readonly string[] => [
  ...[...input, ...initializer].map(({ name = '' }) => name),
  ...sparseInitializer.map(({ values }) => values?.name ?? ''),
  ...node.flatMap(({ output }) => output),
];
