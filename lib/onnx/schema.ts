// The ONNX messages and fields that this library reads or writes. Nothing here says what a message
// means, and nothing touches bytes: `layouts` describes the binary form to those that do.

/** Numbers that stand for element types in a file. */
export const elementType = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
} as const;

/** Numbers that say which field of an attribute holds its value. */
export const attributeType = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

const floatTypes: ReadonlySet<number> = new Set([
  elementType.float,
  elementType.double,
  elementType.float16,
  elementType.bfloat16,
]);

/** Floats of any width, all of which are computed in single precision. */
export const isFloatType = (type: number): boolean => floatTypes.has(type);

/** The name of a type in one of these tables, if it has one. */
export const knownTypeName = (types: Readonly<Record<string, number>>, type: number): string | undefined =>
  Object.keys(types).find((name) => types[name] === type);

/** What messages call a type of one of these tables: `string`, or `number 99` where it is in none. */
export const typeName = (types: Readonly<Record<string, number>>, type: number): string =>
  knownTypeName(types, type) ?? `number ${type}`;

export interface StringPair {
  readonly key?: string;
  readonly value?: string;
}

export interface TensorProto {
  readonly dims: readonly number[];
  readonly dataType?: number;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly int64Data?: readonly number[];
  readonly doubleData?: readonly number[];
  readonly uint64Data?: readonly number[];
  readonly rawData?: Uint8Array;
  readonly name?: string;
  readonly externalData?: readonly StringPair[];
  /** 1 where the contents are in another file. */
  readonly dataLocation?: number;
}

/** A tensor of mostly zeros; it is called like its `values`. */
export interface SparseTensorProto {
  readonly values?: TensorProto;
}

export interface AttributeProto {
  readonly name?: string;
  /** In the body of a function: the attribute of the call that takes this one's place. */
  readonly refAttrName?: string;
  readonly type?: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  /** The bytes of a graph, and of several: few are wanted, and they may hold others without end. */
  readonly g?: Uint8Array;
  readonly graphs?: readonly Uint8Array[];
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
  readonly strings?: readonly Uint8Array[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly attribute: readonly AttributeProto[];
}

/** A size, the name of one, or nothing known. */
export interface DimensionProto {
  readonly dimValue?: number;
  readonly dimParam?: string;
}

export interface TypeProto {
  readonly tensorType?: {
    readonly elemType?: number;
    readonly shape?: { readonly dim: readonly DimensionProto[] };
  };
}

export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: TypeProto;
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
  readonly sparseInitializer?: readonly SparseTensorProto[];
}

export interface OperatorSetProto {
  readonly domain?: string;
  readonly version?: number;
}

export interface FunctionProto {
  readonly name?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly attributeProto: readonly AttributeProto[];
  readonly node: readonly NodeProto[];
}

export interface ModelProto {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly opsetImport: readonly OperatorSetProto[];
  readonly graph?: GraphProto;
  readonly functions: readonly FunctionProto[];
}

/** One field of a message: a scalar type or the name of a message, and its number. */
export interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
}

const one = (type: string, id: number): Field => ({ type, id });
const many = (type: string, id: number): Field => ({ type, id, rule: 'repeated' });

/** The fields of each message, by its name in the format. */
export const layouts: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  StringStringEntryProto: { key: one('string', 1), value: one('string', 2) },
  TensorProto: {
    dims: many('int64', 1),
    dataType: one('int32', 2),
    floatData: many('float', 4),
    int32Data: many('int32', 5),
    int64Data: many('int64', 7),
    name: one('string', 8),
    rawData: one('bytes', 9),
    doubleData: many('double', 10),
    uint64Data: many('uint64', 11),
    externalData: many('StringStringEntryProto', 13),
    dataLocation: one('int32', 14),
  },
  SparseTensorProto: { values: one('TensorProto', 1) },
  AttributeProto: {
    name: one('string', 1),
    f: one('float', 2),
    i: one('int64', 3),
    s: one('bytes', 4),
    t: one('TensorProto', 5),
    g: one('bytes', 6),
    floats: many('float', 7),
    ints: many('int64', 8),
    strings: many('bytes', 9),
    graphs: many('bytes', 11),
    type: one('int32', 20),
    refAttrName: one('string', 21),
  },
  NodeProto: {
    input: many('string', 1),
    output: many('string', 2),
    name: one('string', 3),
    opType: one('string', 4),
    attribute: many('AttributeProto', 5),
    domain: one('string', 7),
    overload: one('string', 8),
  },
  DimensionProto: { dimValue: one('int64', 1), dimParam: one('string', 2) },
  TensorShapeProto: { dim: many('DimensionProto', 1) },
  TensorTypeProto: { elemType: one('int32', 1), shape: one('TensorShapeProto', 2) },
  TypeProto: { tensorType: one('TensorTypeProto', 1) },
  ValueInfoProto: { name: one('string', 1), type: one('TypeProto', 2) },
  GraphProto: {
    node: many('NodeProto', 1),
    name: one('string', 2),
    initializer: many('TensorProto', 5),
    input: many('ValueInfoProto', 11),
    output: many('ValueInfoProto', 12),
    valueInfo: many('ValueInfoProto', 13),
    sparseInitializer: many('SparseTensorProto', 15),
  },
  OperatorSetIdProto: { domain: one('string', 1), version: one('int64', 2) },
  FunctionProto: {
    name: one('string', 1),
    input: many('string', 4),
    output: many('string', 5),
    attribute: many('string', 6),
    node: many('NodeProto', 7),
    domain: one('string', 10),
    attributeProto: many('AttributeProto', 11),
    overload: one('string', 13),
  },
  ModelProto: {
    irVersion: one('int64', 1),
    producerName: one('string', 2),
    producerVersion: one('string', 3),
    graph: one('GraphProto', 7),
    opsetImport: many('OperatorSetIdProto', 8),
    functions: many('FunctionProto', 25),
  },
};
