// The intermediate representation: an immutable graph of operators and the values between them.
// Values are the edges, since an operator may have several results. This file knows what every
// operator must answer (`Op`) but knows no operator; passes read those answers, never names.

import { addNew, setNew } from './collections.js';
import { HalfspaceError } from './errors.js';
import { formatShape, formatType, sameType, type Shape, type TensorType } from './shape.js';

/** Plain, structured-cloneable attribute values, as they are printed and handed to kernels. */
export type Attribute = number | string | boolean | readonly number[];
/** Attributes by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** A tensor that flows through the graph. `origin` says where it comes from. */
export interface Value {
  readonly name: string;
  readonly type: TensorType;
  readonly origin: 'input' | 'parameter' | Node;
}

/** How the first contents of a parameter are made. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'data'; readonly data: Float32Array };

/** A value that persists between runs. Running statistics and constants are not trainable. */
export interface Parameter extends Value {
  readonly origin: 'parameter';
  readonly trainable: boolean;
  readonly init: Initializer;
}

/** One application of an operator. */
export interface Node {
  readonly name: string;
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Nodes stand in topological order; names of nodes and of values are unique. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly parameters: readonly Parameter[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Value[];
}

/**
 * What a forward pass is for: `train` uses batch statistics and updates the running ones, `probe`
 * uses batch statistics and changes nothing, `eval` uses the running statistics.
 */
export type Mode = 'train' | 'probe' | 'eval';

/** One native kernel call. Unlisted, all inputs are read and all outputs are written, in order. */
export interface KernelCall {
  readonly kernel: string;
  readonly attrs: Attributes;
  /** Indices of the node's inputs that the kernel reads, in its order. */
  readonly inputs?: readonly number[];
  /** Indices of the node's outputs that the kernel writes, in its order. */
  readonly outputs?: readonly number[];
  /** Indices of inputs that are updated in place; they follow the outputs. */
  readonly updates?: readonly number[];
  /** Whether data must be images: where it has fewer axes, it goes in and out as [N, C, L, 1]. */
  readonly images?: boolean;
}

/** What a gradient rule sees, and the means to extend the graph. */
export interface GradientContext {
  readonly node: Node;
  /** d loss / d output, one for each output; null where the output does not reach the loss. */
  readonly gradients: readonly (Value | null)[];
  /** Whether the gradient with respect to input `index` is wanted. */
  needs(index: number): boolean;
  /** Adds a node and returns its outputs. */
  emit(op: Op, inputs: readonly Value[]): readonly Value[];
}

/** d loss / d input, one for each input; null where it is zero or was not wanted. */
export type GradientRule = (context: GradientContext) => readonly (Value | null)[];

/** Indices kept along one axis, ascending; null means all of them. */
export type Kept = readonly number[] | null;

/** A parameter input that loses elements along `axis` when channels go. */
export interface ParameterSlice {
  readonly input: number;
  readonly axis: number;
  readonly keep: readonly number[];
}

/** An operator after some channels of its data inputs are gone. */
export interface Narrowed {
  readonly op: Op;
  readonly slices: readonly ParameterSlice[];
  /** Channels (axis 1) kept of each output; null where none is lost. */
  readonly outputs: readonly Kept[];
}

/**
 * How an operator narrows when its data inputs keep only some channels (axis 1, one `Kept` an
 * input, null for parameters and for full inputs). Null where it cannot.
 */
export type NarrowRule = (kept: readonly Kept[], inputs: readonly TensorType[]) => Narrowed | null;

/** A constant tensor that ONNX wants where we have an attribute. */
export interface OnnxConstant {
  readonly dtype: 'float32' | 'int64';
  readonly shape: Shape;
  readonly data: readonly number[];
}

/**
 * Where an ONNX node takes an input from: one of ours by index, a constant, nowhere (''), or the first
 * result of a form that comes before.
 */
export type OnnxSource = number | OnnxConstant | '' | { readonly before: number };

/** The ONNX node that says the same, or the last of a few. */
export interface OnnxForm {
  readonly opType: string;
  readonly attributes: Readonly<Record<string, Attribute | { readonly float: number }>>;
  readonly inputs?: readonly OnnxSource[];
  /** Indices of our outputs that exist in ONNX; all of them when absent. */
  readonly outputs?: readonly number[];
  /** Nodes that come first, where one does not say it all. */
  readonly before?: readonly OnnxForm[];
}

/** By which factors: all of them, positive ones, or none. */
export type Homogeneity = 'any' | 'positive' | 'none';

/** Activations that a kernel can apply to its result before storing it. */
export type Epilogue = 'relu';

/**
 * Everything said about one operator. Instances are made by factories that close over the
 * attributes, so a node needs nothing but its `op`. All fields are required: a forgotten answer
 * does not compile.
 */
export interface Op {
  /** The operator's ONNX-style name, for printing only. */
  readonly name: string;
  readonly attrs: Attributes;
  /** Types of the outputs; throws ERR_SHAPE where the inputs do not fit. */
  infer(inputs: readonly TensorType[]): readonly TensorType[];
  /** Null states that there is no gradient; asking for one is then an error. */
  readonly gradient: GradientRule | null;
  lower(mode: Mode): KernelCall;
  /** Multiply-accumulates of one application, as papers count them (convolutions and matrix products). */
  macs(inputs: readonly TensorType[], outputs: readonly TensorType[]): number;
  /** Null where ONNX has no such operator (gradients). */
  readonly onnx: ((inputs: readonly TensorType[], outputs: readonly TensorType[]) => OnnxForm) | null;
  /** Whether the first output is certainly zero when the inputs marked true are zero. */
  zero(zeros: readonly boolean[]): boolean;
  /**
   * By which factors c the first output is certainly multiplied when the inputs marked true are multiplied
   * by c, in a network that is no longer trained.
   */
  homogeneous(scaled: readonly boolean[]): Homogeneity;
  /**
   * How several data inputs meet: `sum` and `concat`, along the channels, are still defined when one
   * disappears; `beside`, along the axis in its attributes, is not.
   */
  readonly joint: 'sum' | 'concat' | 'beside' | null;
  readonly narrow: NarrowRule | null;
  /**
   * The axis along which the first output holds probabilities and the first input their logits, if it does.
   * Log-probabilities need no answer: they are logits of the same probabilities.
   */
  readonly probabilities: number | null;
  /** Which epilogue this operator is by itself, if any. */
  readonly epilogue: Epilogue | null;
  /** This operator with `epilogue` applied to its first output, or null where its kernel has none. */
  fuse(epilogue: Epilogue): Op | null;
}

export const isParameter = (value: Value): value is Parameter => value.origin === 'parameter';

/** The node that makes `value`, or null for inputs and parameters. */
export const producer = (value: Value): Node | null =>
  typeof value.origin === 'string' ? null : value.origin;

/** The values that nodes read more than once. */
export function readTwice(graph: Graph): ReadonlySet<Value> {
  const read = new Set<Value>();
  const again = new Set<Value>();
  for (const node of graph.nodes) {
    for (const value of node.inputs) if (!addNew(read, value)) again.add(value);
  }
  return again;
}

/** Nodes whose outputs are what their operator says of their inputs, once and for all. */
const inferred = new WeakSet<Node>();

/** Makes a node; its outputs are named after it (`name`, `name:1`, ...) where `outputNames` says nothing. */
export function makeNode(
  name: string,
  op: Op,
  inputs: readonly Value[],
  outputNames: readonly string[] = [],
): Node {
  const application = { name, op, inputs };
  return withOutputs(application, infer(application), outputNames);
}

/** What `node` is under its names with operator `op` on other inputs. */
export const remakeNode = (node: Node, op: Op, inputs: readonly Value[]): Node =>
  makeNode(node.name, op, inputs, resultNames(node));

/** Whether two lists of values are equally long and agree at every place. */
const agree = (
  some: readonly Value[],
  others: readonly Value[],
  equal: (a: Value, b: Value | undefined) => boolean,
): boolean => some.length === others.length && some.every((value, index) => equal(value, others[index]));

/** `node` on other inputs, under its names; where those have the types of the old ones, so have its outputs. */
function likeNode(node: Node, inputs: readonly Value[]): Node {
  const application = { name: node.name, op: node.op, inputs };
  const sameTypes = agree(inputs, node.inputs, (input, old) => input.type === old?.type);
  const types = sameTypes && inferred.has(node) ? node.outputs.map(({ type }) => type) : infer(application);
  return withOutputs(application, types, resultNames(node));
}

const resultNames = ({ outputs }: Node): readonly string[] => outputs.map(({ name }) => name);

/** A node but for its outputs. */
type Application = Omit<Node, 'outputs'>;

function withOutputs(
  { name, op, inputs }: Application,
  types: readonly TensorType[],
  outputNames: readonly string[] = [],
): Node {
  const outputs: Value[] = [];
  const node: Node = { name, op, inputs, outputs };
  types.forEach((type, index) => {
    const own = index === 0 ? name : `${name}:${index}`;
    outputs.push({ name: outputNames[index] ?? own, type, origin: node });
  });
  inferred.add(node);
  return node;
}

/** Output types of a node, with its name in front of any complaint. */
function infer(node: Application): readonly TensorType[] {
  try {
    return node.op.infer(node.inputs.map((v) => v.type));
  } catch (error) {
    if (!(error instanceof HalfspaceError)) throw error;
    const inputs = node.inputs.map((v) => formatShape(v.type.shape)).join(', ');
    throw new HalfspaceError(
      error.code,
      `${node.op.name} '${node.name}': ${error.message} (inputs ${inputs})`,
      { cause: error },
    );
  }
}

/** Collects nodes in order and keeps names unique. The only mutable thing here; `graph` freezes it. */
export class GraphBuilder {
  readonly #inputs: Value[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #nodes: Node[] = [];
  /** All names in use, gathered when a new one is first asked for: passes that copy never need them. */
  #names: Set<string> | null;
  readonly #counters = new Map<string, number>();

  /** `taken` are names that are in use elsewhere, or will be by nodes that are appended; more are added to it. */
  constructor(taken: Set<string> | null = null) {
    this.#names = taken;
  }

  /** A data input of the network. */
  input(name: string, type: TensorType): Value {
    const value: Value = { name: this.unique(name), type, origin: 'input' };
    this.#inputs.push(value);
    return value;
  }

  /** A persistent tensor; several nodes may share one. */
  parameter(name: string, shape: Shape, init: Initializer, trainable = true): Parameter {
    const type: TensorType = { dtype: 'f32', shape };
    const made: Parameter = { name: this.unique(name), type, origin: 'parameter', trainable, init };
    this.#parameters.push(made);
    return made;
  }

  /** Takes over a parameter of another graph, name included. */
  adopt(parameter: Parameter): Parameter {
    this.#names?.add(parameter.name);
    this.#parameters.push(parameter);
    return parameter;
  }

  /** Takes over an input of another graph. */
  adoptInput(input: Value): Value {
    this.#names?.add(input.name);
    this.#inputs.push(input);
    return input;
  }

  /** Adds an existing node whose inputs are already here. */
  append(node: Node): Node {
    if (this.#names) addNames(this.#names, node);
    this.#nodes.push(node);
    return node;
  }

  /** Adds `node`, or where it now reads other values one like it that does; returns all results. */
  copy(node: Node, inputs: readonly Value[]): readonly Value[] {
    const same = agree(inputs, node.inputs, (input, old) => input === old);
    return this.append(same ? node : likeNode(node, inputs)).outputs;
  }

  /** Applies an operator; returns all results. */
  emit(op: Op, inputs: readonly Value[], name: string = op.name.toLowerCase()): readonly Value[] {
    return this.append(makeNode(this.unique(name), op, inputs)).outputs;
  }

  /** Applies an operator; returns its first result. */
  apply(op: Op, inputs: readonly Value[], name?: string): Value {
    return this.emit(op, inputs, name)[0] as Value;
  }

  /** `name`, or `name_2`, `name_3`, ... where it is taken. */
  unique(name: string): string {
    const names = (this.#names ??= this.#gatherNames());
    let candidate = name;
    while (!addNew(names, candidate)) {
      const count = (this.#counters.get(name) ?? 1) + 1;
      this.#counters.set(name, count);
      candidate = `${name}_${count}`;
    }
    return candidate;
  }

  #gatherNames(): Set<string> {
    const names = new Set<string>();
    for (const { name } of this.#inputs) names.add(name);
    for (const { name } of this.#parameters) names.add(name);
    for (const node of this.#nodes) addNames(names, node);
    return names;
  }

  /** The inputs so far, as they become more. */
  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  /** The nodes so far, as they become more. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** The graph so far, for a pass that has to follow before it can be verified. */
  draft(outputs: readonly Value[]): Graph {
    return {
      inputs: [...this.#inputs],
      parameters: [...this.#parameters],
      nodes: [...this.#nodes],
      outputs: [...outputs],
    };
  }

  graph(outputs: readonly Value[]): Graph {
    return verified(this.draft(outputs));
  }
}

function addNames(names: Set<string>, node: Node): void {
  names.add(node.name);
  for (const { name } of node.outputs) if (name !== node.name) names.add(name);
}

/** A builder that already holds all of `graph`, to go on from there. */
export function extend(graph: Graph): GraphBuilder {
  const builder = new GraphBuilder();
  graph.inputs.forEach((value) => builder.adoptInput(value));
  graph.parameters.forEach((parameter) => builder.adopt(parameter));
  graph.nodes.forEach((node) => builder.append(node));
  return builder;
}

/**
 * Builds a graph anew from another: `visit` says what each node becomes, given its new inputs, and
 * returns one value for each of the old outputs (null where it is gone). Inputs and parameters
 * are kept unless replaced through `replace`.
 */
export function rewrite(
  graph: Graph,
  visit: (node: Node, inputs: readonly (Value | null)[], builder: GraphBuilder) => readonly (Value | null)[],
  replace: (value: Value) => Value | null = (value) => value,
): Graph {
  const builder = new GraphBuilder();
  const now = new Map<Value, Value | null>();
  for (const input of graph.inputs) {
    const value = replace(input);
    now.set(input, value && builder.adoptInput(value));
  }
  for (const parameter of graph.parameters) {
    const value = replace(parameter);
    now.set(parameter, value && builder.adopt(value as Parameter));
  }
  for (const node of graph.nodes) {
    const results = visit(
      node,
      node.inputs.map((v) => now.get(v) ?? null),
      builder,
    );
    node.outputs.forEach((output, index) => now.set(output, results[index] ?? null));
  }
  return builder.graph(graph.outputs.map((v) => now.get(v)).filter((v) => v != null));
}

/** The same network for other input shapes (another batch size, say). */
function retype(graph: Graph, types: readonly TensorType[]): Graph {
  if (graph.inputs.every((v, index) => sameType(v.type, types[index] ?? v.type))) return graph;
  const inputs = new Map(
    graph.inputs.map((v, index) => [v, { ...v, type: types[index] ?? v.type }] as const),
  );
  return rewrite(
    graph,
    (node, values, builder) => builder.append(remakeNode(node, node.op, values as Value[])).outputs,
    (value) => inputs.get(value) ?? value,
  );
}

/** How many images a network's inputs are for: the first axis of the first one that has axes. */
export const batchOf = (inputs: readonly Value[]): number =>
  inputs.find(({ type }) => type.shape.length > 0)?.type.shape[0] ?? 1;

/**
 * The types of `inputs` for `size` images. A first axis that is as long as the batch holds it; inputs of
 * another length there, and single numbers, are the same for all images.
 */
export function typesAtBatch(inputs: readonly Value[], size: number): readonly TensorType[] {
  const batch = batchOf(inputs);
  return inputs.map(({ type: { dtype, shape } }) => ({
    dtype,
    shape: shape[0] === batch ? shape.with(0, size) : shape,
  }));
}

/** The same network at batch size `size`. */
export const atBatch = (graph: Graph, size: number): Graph => retype(graph, typesAtBatch(graph.inputs, size));

/** Number of parameters; the trainable ones only, as papers count. */
export const countParameters = (graph: Graph): number =>
  graph.parameters
    .filter((p) => p.trainable)
    .reduce((sum, p) => sum + p.type.shape.reduce((product, size) => product * size, 1), 0);

/** Multiply-accumulates of the whole graph at its own batch size. */
export const countMacs = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + nodeMacs(node), 0);

/** Those for one image; for its share of the batch where the network works at its own batch size only. */
export function imageMacs(graph: Graph): number {
  try {
    return countMacs(atBatch(graph, 1));
  } catch (error) {
    if (!(error instanceof HalfspaceError && error.code === 'ERR_SHAPE')) throw error;
    return countMacs(graph) / batchOf(graph.inputs);
  }
}

export const nodeMacs = (node: Node): number =>
  node.op.macs(
    node.inputs.map((v) => v.type),
    node.outputs.map((v) => v.type),
  );

/** One line a node: `%conv1: f32[1,64,32,32] = Conv(%image, %conv1.weight) {strides=[1,1]}`. */
export function print(graph: Graph): string {
  const lines = [
    ...graph.inputs.map((v) => `input %${v.name}: ${formatType(v.type)}`),
    ...graph.parameters.map(
      (p) => `${p.trainable ? 'parameter' : 'constant'} %${p.name}: ${formatType(p.type)}`,
    ),
    ...graph.nodes.map(printNode),
    `return ${graph.outputs.map((v) => `%${v.name}`).join(', ')}`,
  ];
  return lines.join('\n') + '\n';
}

function printNode(node: Node): string {
  const outputs = node.outputs.map((v) => `%${v.name}: ${formatType(v.type)}`).join(', ');
  const inputs = node.inputs.map((v) => `%${v.name}`).join(', ');
  return `${outputs} = ${node.op.name}(${inputs})${formatAttributes(node.op.attrs)}`;
}

/** ` {strides=[1,1], groups=1}`, or nothing where there are none. */
export function formatAttributes(attrs: Attributes): string {
  const parts = Object.entries(attrs).map(
    ([key, value]) => `${key}=${Array.isArray(value) ? formatShape(value) : String(value)}`,
  );
  return parts.length > 0 ? ` {${parts.join(', ')}}` : '';
}

function fail(message: string): never {
  throw new HalfspaceError('ERR_GRAPH', message);
}

/** Stands between passes: the graph itself, or ERR_GRAPH unless order, names and types are as promised. */
export function verified(graph: Graph): Graph {
  const defined = new Map<string, Value>();
  const define = (value: Value): void => {
    if (!setNew(defined, value.name, value))
      fail(`${ownerOf(value)}: the name '${value.name}' is used twice`);
  };
  graph.inputs.forEach(define);
  graph.parameters.forEach(define);
  for (const node of graph.nodes) {
    verifyNode(node, defined);
    node.outputs.forEach(define);
  }
  if (graph.outputs.length === 0) fail('the graph has no output');
  for (const output of graph.outputs) {
    if (defined.get(output.name) !== output) fail(`output '${output.name}' is not defined`);
  }
  return graph;
}

const ownerOf = ({ origin }: Value): string =>
  typeof origin === 'string' ? origin : `node '${origin.name}'`;

/** What a node reads must be there, and what it gives must be what its operator says. */
function verifyNode(node: Node, defined: ReadonlyMap<string, Value>): void {
  for (const value of node.inputs) {
    if (defined.get(value.name) !== value)
      fail(`node '${node.name}' reads '${value.name}', which is not defined before it`);
  }
  if (!inferred.has(node)) verifyTypes(node);
}

function verifyTypes(node: Node): void {
  const types = infer(node);
  if (types.length !== node.outputs.length) {
    fail(`node '${node.name}' has ${node.outputs.length} outputs, its operator gives ${types.length}`);
  }
  node.outputs.forEach((output, index) => {
    const type = types[index] as TensorType;
    if (!sameType(output.type, type)) {
      fail(`node '${node.name}' says ${formatType(output.type)}, its operator gives ${formatType(type)}`);
    }
  });
}
