// Graph and weights to an ONNX file. Each operator says its own ONNX form; this file only turns forms
// into messages, so it knows no operator. Networks are written in inference form, as one file with the
// weights inside.

import { createRequire } from 'node:module';
import { HalfspaceError, invariant } from '../errors.js';
import {
  atBatch,
  batchOf,
  type Graph,
  type Node,
  type OnnxConstant,
  type OnnxForm,
  type OnnxSource,
  type Value,
} from '../graph.js';
import { elements, type TensorType } from '../shape.js';
import { weightsOf, type Weights } from '../weights.js';
import { encodeModel } from './encode.js';
import { attributeProto, constantProto, floatsProto, valueInfoProto } from './messages.js';
import { Names } from './names.js';
import type { GraphProto, NodeProto, TensorProto } from './schema.js';

const irVersion = 8;
const operatorSet = 18;
const producerName = 'halfspace';
const { version: producerVersion } = createRequire(import.meta.url)('../../package.json') as {
  version: string;
};

/** A protocol buffer counts its bytes in 31 bits; the rest is left for what stands around the weights. */
const largestWeights = 2 ** 31 - 2 ** 24;

/** Options of `toOnnx`. */
export interface ExportOptions {
  /** Leaves the batch size open (`N`) where the network works at any; true by default. */
  readonly dynamicBatch?: boolean;
  /** Names of the file's outputs; those of the values by default. */
  readonly outputNames?: readonly string[];
}

/**
 * The network as an ONNX model (operator set 18, IR version 8). Throws ERR_UNSUPPORTED naming the
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
  const node = [...graph.nodes.flatMap((n) => nodeProtos(n, names, constants)), ...names.copies];
  const read = new Set([...node.flatMap((n) => n.input), ...names.outputs]);
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

/** The ONNX nodes that stand for `node`; constants that they need are added to `constants`. */
function nodeProtos(node: Node, names: Names, constants: TensorProto[]): readonly NodeProto[] {
  invariant(node.op.onnx, `node '${node.name}' has no ONNX form`);
  const form = node.op.onnx(types(node.inputs), types(node.outputs));
  const earlier = (form.before ?? []).map(({ opType }) => names.unique(`${node.name}.${opType}`));
  const constant = (value: OnnxConstant): string => {
    const name = names.unique(`${node.name}.constant`);
    constants.push(constantProto(name, value));
    return name;
  };
  const nameOf = (source: OnnxSource): string => {
    if (source === '') return '';
    if (typeof source === 'number') return names.of(node.inputs[source] as Value);
    return 'before' in source ? (earlier[source.before] as string) : constant(source);
  };
  const proto = (
    { opType, inputs, attributes }: OnnxForm,
    name: string,
    output: readonly string[],
  ): NodeProto => ({
    name,
    opType,
    input: (inputs ?? [...node.inputs.keys()]).map(nameOf),
    output,
    attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
  });
  const output = (form.outputs ?? [...node.outputs.keys()]).map((i) => names.of(node.outputs[i] as Value));
  const first = (form.before ?? []).map((f, i) => proto(f, earlier[i] as string, [earlier[i] as string]));
  return [...first, proto(form, node.name, output)];
}

const types = (values: readonly Value[]): TensorType[] => values.map((v) => v.type);

/** The network at another batch size, which shows the axes that depend on it; itself where it works at one only. */
function atNextBatch(graph: Graph): Graph {
  try {
    return atBatch(graph, batchOf(graph.inputs) + 1);
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
