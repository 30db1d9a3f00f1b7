// Small ONNX files for tests, written message by message.

import protobuf from 'protobufjs/light.js';
import { encodeModel } from '../lib/onnx/encode.js';
import {
  attributeType,
  elementType,
  layouts,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  type ValueInfoProto,
} from '../lib/onnx/schema.js';
import type { Shape } from '../lib/shape.js';

/** Integers become int or ints, `{float}` a float, strings, tensors and graphs what they are. */
export type AttributeValue =
  number | readonly number[] | string | { readonly float: number } | { readonly body: Model } | TensorProto;

export function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return { name, type: attributeType.int, i: value };
  if (typeof value === 'string')
    return { name, type: attributeType.string, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: attributeType.float, f: value.float };
  if ('body' in value) return { name, g: graphBytes(value.body) };
  if ('dims' in value) return { name, type: attributeType.tensor, t: value };
  return { name, type: attributeType.ints, ints: value };
}

/** `op(inputs) -> outputs`; unnamed unless told. */
export const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = '',
): NodeProto => ({
  opType,
  input,
  output,
  name,
  attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
});

export const floats = (name: string, dims: Shape, data: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: elementType.float,
  floatData: data,
});

export const int64s = (name: string, dims: Shape, data: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: elementType.int64,
  int64Data: data,
});

export const booleans = (name: string, dims: Shape, data: readonly number[]): TensorProto => ({
  name,
  dims,
  dataType: elementType.bool,
  int32Data: data,
});

/** A declared value; sizes that are words stay open. */
export const value = (
  name: string,
  shape: readonly (number | string)[],
  elemType: number = elementType.float,
): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: {
        dim: shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })),
      },
    },
  },
});

/** An output of a type that the file does not tell. */
export const untyped = (name: string, elemType: number = elementType.float): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType } },
});

export interface Model {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly constants?: readonly TensorProto[];
  readonly declared?: readonly ValueInfoProto[];
  readonly sparse?: readonly SparseTensorProto[];
  readonly opset?: number;
}

export const graphProto = ({
  nodes,
  inputs = [],
  outputs,
  constants = [],
  declared = [],
  sparse = [],
}: Model): GraphProto => ({
  name: 'test',
  node: nodes,
  input: inputs,
  output: outputs,
  initializer: constants,
  valueInfo: declared,
  sparseInitializer: sparse,
});

const messages = Object.entries(layouts).map(([name, fields]) => [name, { fields }] as const);
const graphType = protobuf.Root.fromJSON({ nested: Object.fromEntries(messages) }).lookupType('GraphProto');

const graphBytes = (model: Model): Uint8Array =>
  graphType.encode(graphType.fromObject(graphProto(model))).finish();

export const modelProto = (model: Model): ModelProto => ({
  irVersion: 8,
  opsetImport: [{ domain: '', version: model.opset ?? 17 }],
  functions: [],
  graph: graphProto(model),
});

export const modelBytes = (model: Model): Uint8Array => encodeModel(modelProto(model));
