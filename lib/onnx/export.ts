// Graph and weights to an ONNX file. Each operator says its own ONNX form; this file only turns forms
// into messages, so it knows no operator. Networks are written in inference form, as one file with the
// weights inside.

import { createRequire } from 'node:module';
import { HalfspaceError, invariant } from '../errors.js';
import {
  atBatch,
  producer,
  type Graph,
  type Node,
  type OnnxConstant,
  type OnnxForm,
  type Value,
} from '../graph.js';
import { elements, type TensorType } from '../shape.js';
import { weightsOf, type Weights } from '../weights.js';
import { attributeProto, constantProto, floatsProto, valueInfoProto } from './messages.js';
import { encodeModel, type GraphProto, type NodeProto, type TensorProto } from './schema.js';

const irVersion = 8;
const operatorSet = 17;
const producerName = 'halfspace';
const { version: producerVersion } = createRequire(import.meta.url)('../../package.json') as {
  version: string;
};

/** A protocol buffer counts its bytes in 31 bits; the rest is left for what stands around the weights. */
const largestWeights = 2 ** 31 - 2 ** 24;

export interface ExportOptions {
  /** Leaves the batch size open (`N`) where the network works at any; true by default. */
  readonly dynamicBatch?: boolean;
  /** Names of the file's outputs; those of the values by default. */
  readonly outputNames?: readonly string[];
}

/**
 * The network as an ONNX model (operator set 17, IR version 8). Throws ERR_UNSUPPORTED naming the
 * nodes that ONNX cannot express, ERR_MODEL where weights are missing or have another length.
 */
export function toOnnx(graph: Graph, weights: Weights, options: ExportOptions = {}): Uint8Array {
  requireForms(graph);
  requireSize(graph);
  return encodeModel({
    irVersion,
    producerName,
    producerVersion,
    opsetImport: [{ domain: '', version: operatorSet }],
    functions: [],
    graph: graphProto(graph, weights, options),
  });
}

function graphProto(graph: Graph, weights: Weights, options: ExportOptions): GraphProto {
  const names = new Names(graph, options.outputNames ?? graph.outputs.map((v) => v.name));
  const next = options.dynamicBatch === false ? graph : atNextBatch(graph);
  const constants: TensorProto[] = [];
  const node = [...graph.nodes.map((n) => nodeProto(n, names, constants)), ...names.copies];
  const read = new Set(node.flatMap((n) => n.input));
  const parameters = graph.parameters.filter((p) => read.has(names.of(p)));
  return {
    name: producerName,
    node,
    initializer: [
      ...parameters.map((p) => floatsProto(names.of(p), p.type.shape, weightsOf(weights, p))),
      ...constants,
    ],
    input: graph.inputs.map((v, i) => valueInfoProto(names.of(v), v.type, next.inputs[i]?.type)),
    output: graph.outputs.map((v, i) =>
      valueInfoProto(names.outputs[i] as string, v.type, next.outputs[i]?.type),
    ),
    valueInfo: [],
  };
}

/**
 * What each value is called in the file. Outputs get the names that were asked for; an output that no
 * node makes, or that is given twice, is a copy under its own name.
 */
class Names {
  readonly outputs: readonly string[];
  readonly copies: readonly NodeProto[];
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set<string>();

  constructor(graph: Graph, outputNames: readonly string[]) {
    this.#require(graph, outputNames);
    const copied = graph.outputs.map((v, i) => producer(v) === null || graph.outputs.indexOf(v) !== i);
    graph.inputs.forEach((v) => this.of(v));
    graph.outputs.forEach((v, i) => {
      if (!copied[i]) this.#names.set(v, this.unique(outputNames[i] as string));
    });
    this.outputs = graph.outputs.map((v, i) =>
      copied[i] ? this.unique(outputNames[i] as string) : this.of(v),
    );
    this.copies = this.outputs.flatMap((name, i) =>
      copied[i] ? [copyProto(this.of(graph.outputs[i] as Value), name)] : [],
    );
  }

  of(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = this.unique(value.name);
    this.#names.set(value, name);
    return name;
  }

  unique(name: string): string {
    let candidate = name;
    for (let count = 2; this.#taken.has(candidate); count++) candidate = `${name}_${count}`;
    this.#taken.add(candidate);
    return candidate;
  }

  #require(graph: Graph, outputNames: readonly string[]): void {
    if (outputNames.length === graph.outputs.length) return;
    throw new HalfspaceError(
      'ERR_OPTION',
      `outputNames: expected ${graph.outputs.length} names, one an output, got ${outputNames.length}`,
    );
  }
}

const copyProto = (from: string, to: string): NodeProto => ({
  name: to,
  opType: 'Identity',
  input: [from],
  output: [to],
  attribute: [],
});

/** The ONNX node that stands for `node`; constants that it needs are added to `constants`. */
function nodeProto(node: Node, names: Names, constants: TensorProto[]): NodeProto {
  const form = formOf(node);
  const constant = (value: OnnxConstant): string => {
    const name = names.unique(`${node.name}.constant`);
    constants.push(constantProto(name, value));
    return name;
  };
  const input = (form.inputs ?? [...node.inputs.keys()]).map((source) => {
    if (typeof source === 'object') return constant(source);
    return source === '' ? '' : names.of(node.inputs[source] as Value);
  });
  const output = (form.outputs ?? [...node.outputs.keys()]).map((i) => names.of(node.outputs[i] as Value));
  const attribute = Object.entries(form.attributes).map(([name, value]) => attributeProto(name, value));
  return { name: node.name, opType: form.opType, input, output, attribute };
}

function formOf(node: Node): OnnxForm {
  invariant(node.op.onnx, `node '${node.name}' has no ONNX form`);
  return node.op.onnx(types(node.inputs), types(node.outputs));
}

const types = (values: readonly Value[]): TensorType[] => values.map((v) => v.type);

/** The network at another batch size, which shows the axes that depend on it; itself where it works at one only. */
function atNextBatch(graph: Graph): Graph {
  const size = graph.inputs[0]?.type.shape[0];
  if (size === undefined) return graph;
  try {
    return atBatch(graph, size + 1);
  } catch (error) {
    if (error instanceof HalfspaceError) return graph;
    throw error;
  }
}

function requireForms(graph: Graph): void {
  const missing = graph.nodes.filter((node) => node.op.onnx === null);
  if (missing.length === 0) return;
  const list = missing.map((node) => `${node.op.name} '${node.name}'`).join(', ');
  throw new HalfspaceError(
    'ERR_UNSUPPORTED',
    `export: ONNX has no form for ${missing.length} of ${graph.nodes.length} nodes: ${list}`,
  );
}

function requireSize(graph: Graph): void {
  const bytes = graph.parameters.reduce((sum, p) => sum + 4 * elements(p.type.shape), 0);
  if (bytes <= largestWeights) return;
  throw new HalfspaceError(
    'ERR_UNSUPPORTED',
    `export: the weights take ${bytes} bytes, one ONNX file holds at most ${largestWeights}`,
  );
}
