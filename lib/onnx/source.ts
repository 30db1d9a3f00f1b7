// A decoded file, checked for what the format promises: one supported operator set, every name defined
// once, nodes in an order in which they can be read. Says nothing about what operators mean.

import { addNew } from '../collections.js';
import { HalfspaceError } from '../errors.js';
import { decodeModel } from './decode.js';
import { withoutCalls } from './functions.js';
import { damaged } from './model-error.js';
import type { GraphProto, ModelProto, NodeProto } from './schema.js';

const oldestOperatorSet = 11;
const newestOperatorSet = 24;

/** A node under the name that it has in our graph: its own, or made of its operator and position. */
export interface SourceNode {
  readonly name: string;
  readonly proto: NodeProto;
}

export interface Source {
  readonly opset: number;
  readonly graph: GraphProto;
  /** In an order in which every node follows those that it reads. */
  readonly nodes: readonly SourceNode[];
  /** The names of the nodes, each once; who adds names to the graph goes on with them. */
  readonly names: Set<string>;
  /** The nodes that read a value, a node once. */
  readersOf(value: string): readonly SourceNode[];
}

/** The checked model; throws ERR_MODEL, or ERR_UNSUPPORTED for an operator set outside 11 to 24. */
export function readSource(bytes: Uint8Array): Source {
  const model = decodeModel(bytes);
  const { graph } = model;
  if (!graph) damaged('not an ONNX model: it has no graph');
  if (graph.output.length === 0) damaged('the model has no output');
  const names = new Set<string>();
  const nodes = sorted(graph, withNames(withoutCalls(model), names));
  let readers: ReadonlyMap<string, readonly SourceNode[]> | null = null;
  return {
    opset: operatorSet(model),
    graph,
    nodes,
    names,
    readersOf: (value) => (readers ??= allReaders(nodes)).get(value) ?? [],
  };
}

/** Names that occur again get a number, since ours are unique; all are added to those that are `taken`. */
function withNames(nodes: readonly NodeProto[], taken: Set<string>): readonly SourceNode[] {
  const counts = new Map<string, number>();
  return nodes.map((proto, index) => {
    if (!proto.opType) damaged(`node ${index} '${proto.name ?? ''}' has no operator`);
    const own = proto.name || `${proto.opType}_${index}`;
    let name = own;
    while (!addNew(taken, name)) {
      const count = counts.get(own) ?? 2;
      name = `${own}_${count}`;
      counts.set(own, count + 1);
    }
    return { name, proto };
  });
}

/** Names of the default operator set; both are in use. */
export const isDefaultDomain = (domain = ''): boolean => domain === '' || domain === 'ai.onnx';

function operatorSet(model: ModelProto): number {
  const version = model.opsetImport.find((set) => isDefaultDomain(set.domain))?.version;
  if (version === undefined) damaged('the model does not say which version of the ONNX operators it uses');
  if (version >= oldestOperatorSet && version <= newestOperatorSet) return version;
  throw new HalfspaceError(
    'ERR_UNSUPPORTED',
    `the model uses version ${version} of the ONNX operators, this library reads ${oldestOperatorSet} to ${newestOperatorSet}`,
  );
}

/** Files should be in order, and then stay as they are; others are put in order, level by level. */
function sorted(graph: GraphProto, nodes: readonly SourceNode[]): readonly SourceNode[] {
  const present = new Set<string>();
  for (const { name = '' } of graph.input) present.add(name);
  for (const { name = '' } of graph.initializer) present.add(name);
  for (const { values } of graph.sparseInitializer ?? []) present.add(values?.name ?? '');
  const defined = (input: string): boolean => input === '' || present.has(input);
  let inOrder = true;
  for (const { name, proto } of nodes) {
    inOrder &&= proto.input.every(defined);
    for (const output of proto.output) {
      if (output === '') continue;
      if (!addNew(present, output)) damaged(`node '${name}' defines '${output}', which is defined already`);
    }
  }
  if (inOrder) return nodes;
  requireDefinitions(nodes, defined);
  return levels(nodes, sourcesOf(nodes));
}

function requireDefinitions(nodes: readonly SourceNode[], defined: (input: string) => boolean): void {
  for (const { name, proto } of nodes) {
    const unknown = proto.input.find((input) => !defined(input));
    if (unknown !== undefined)
      damaged(`node '${name}' reads '${unknown}', which nothing in the file defines`);
  }
}

/** The nodes that each node reads, each once. */
function sourcesOf(nodes: readonly SourceNode[]): ReadonlyMap<SourceNode, ReadonlySet<SourceNode>> {
  const makers = new Map(nodes.flatMap((node) => node.proto.output.map((output) => [output, node] as const)));
  makers.delete('');
  return new Map(
    nodes.map((node) => [node, new Set(node.proto.input.flatMap((input) => makers.get(input) ?? []))]),
  );
}

function levels(
  nodes: readonly SourceNode[],
  sources: ReadonlyMap<SourceNode, ReadonlySet<SourceNode>>,
): readonly SourceNode[] {
  const waiting = new Map(nodes.map((node) => [node, sources.get(node)?.size ?? 0]));
  const followers = new Map<SourceNode, SourceNode[]>(nodes.map((node) => [node, []]));
  sources.forEach((list, node) => list.forEach((source) => followers.get(source)?.push(node)));
  const order = nodes.filter((node) => waiting.get(node) === 0);
  // `order` grows while it is walked: a node joins when the last of its sources is passed.
  for (const node of order) {
    for (const follower of followers.get(node) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left === 0) order.push(follower);
    }
  }
  const stuck = nodes.find((node) => (waiting.get(node) ?? 0) > 0);
  if (stuck) damaged(`node '${stuck.name}' is on or behind a cycle`);
  return order;
}

function allReaders(nodes: readonly SourceNode[]): ReadonlyMap<string, readonly SourceNode[]> {
  const readers = new Map<string, SourceNode[]>();
  for (const node of nodes) {
    for (const input of new Set(node.proto.input)) {
      const list = readers.get(input);
      if (list) list.push(node);
      else readers.set(input, [node]);
    }
  }
  return readers;
}
