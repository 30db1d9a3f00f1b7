// Our types and constants as ONNX messages: the small pieces that the exporter puts together.
// Numbers are little endian in a file and in every machine that this library runs on.

import type { Attribute, OnnxConstant } from '../graph.js';
import type { DType, Shape, TensorType } from '../shape.js';
import {
  attributeType,
  elementType,
  type AttributeProto,
  type DimensionProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema.js';

const elementTypes: Readonly<Record<DType, number>> = {
  f32: elementType.float,
  f64: elementType.double,
  i32: elementType.int32,
};

/** The symbolic size of the batch axis. */
const batch = 'N';

/** Numbers are integers unless marked as `{float}`; flags are 0 or 1. */
export function attributeProto(name: string, value: Attribute | { readonly float: number }): AttributeProto {
  switch (typeof value) {
    case 'number':
      return { name, type: attributeType.int, i: value };
    case 'boolean':
      return { name, type: attributeType.int, i: value ? 1 : 0 };
    case 'string':
      return { name, type: attributeType.string, s: new TextEncoder().encode(value) };
    default:
      return 'float' in value
        ? { name, type: attributeType.float, f: value.float }
        : { name, type: attributeType.ints, ints: value };
  }
}

export const floatsProto = (name: string, dims: Shape, data: Float32Array): TensorProto => ({
  name,
  dims,
  dataType: elementType.float,
  rawData: bytesOf(data),
});

export const constantProto = (name: string, constant: OnnxConstant): TensorProto =>
  constant.dtype === 'float32'
    ? floatsProto(name, constant.shape, Float32Array.from(constant.data))
    : {
        name,
        dims: constant.shape,
        dataType: elementType.int64,
        rawData: bytesOf(BigInt64Array.from(constant.data, BigInt)),
      };

/** A declared value; an axis that differs in `next`, the type at the next batch size, depends on the batch. */
export const valueInfoProto = (name: string, type: TensorType, next: TensorType = type): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes[type.dtype],
      shape: { dim: type.shape.map((size, axis) => dimensionProto(size, next.shape[axis] ?? size)) },
    },
  },
});

/** Fixed, the batch itself (one more at the next size), or open (a multiple of it). */
function dimensionProto(size: number, next: number): DimensionProto {
  if (next === size) return { dimValue: size };
  return next === size + 1 ? { dimParam: batch } : {};
}

const bytesOf = (data: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
