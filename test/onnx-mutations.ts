// Ways in which a file can be wrong, for tests that the importer stands them: damage to the bytes, and
// messages that are whole but say what makes no sense. Every change is a function of a random stream.

import { decodeModel } from '../lib/onnx/decode.js';
import { encodeModel } from '../lib/onnx/encode.js';
import type {
  AttributeProto,
  DimensionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '../lib/onnx/schema.js';
import type { Random } from '../lib/random.js';

type Change<T> = (value: T, stream: Random) => T;

const pick = <T>(list: readonly T[], stream: Random): T => list[stream.below(list.length)] as T;

/** One of several changes. */
const either =
  <T>(...changes: readonly Change<T>[]): Change<T> =>
  (value, stream) =>
    pick(changes, stream)(value, stream);

/** The change applied to one element of a list. */
const one =
  <T>(change: Change<T>): Change<readonly T[]> =>
  (list, stream) => {
    if (list.length === 0) return list;
    const index = stream.below(list.length);
    return list.with(index, change(list[index] as T, stream));
  };

const without = <T>(list: readonly T[], stream: Random): readonly T[] =>
  list.toSpliced(stream.below(list.length + 1), 1);

const twice = <T>(list: readonly T[], stream: Random): readonly T[] =>
  list.length === 0 ? list : list.toSpliced(stream.below(list.length), 0, pick(list, stream));

/** The change applied to one field. */
const field =
  <T, K extends keyof T>(key: K, change: Change<NonNullable<T[K]>>): Change<T> =>
  (value, stream) =>
    value[key] == null ? value : { ...value, [key]: change(value[key], stream) };

const sizes = [
  -(2 ** 40),
  -2,
  -1,
  0,
  1,
  2,
  3,
  255,
  2 ** 16,
  2 ** 23,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 40,
  2 ** 53 - 1,
];

const size: Change<number> = (_, stream) => pick(sizes, stream);
const someSize: Change<readonly number[]> = either(
  one(size),
  without,
  twice,
  (list, stream) => [...list, pick(sizes, stream)],
  (_, stream) => Array.from({ length: stream.below(40) }, () => pick([1, 2, ...sizes], stream)),
);

const shorter: Change<Uint8Array> = (bytes, stream) => bytes.subarray(0, stream.below(bytes.length + 1));

const noise: Change<Uint8Array> = (bytes, stream) => {
  const changed = Uint8Array.from(bytes);
  for (let i = stream.below(8); i >= 0; i--) changed[stream.below(bytes.length)] = stream.below(256);
  return changed;
};

/** Integers of 64 bits, where shapes and positions stand. */
const absurdIntegers: Change<Uint8Array> = (bytes, stream) => {
  const changed = Uint8Array.from(bytes);
  if (changed.length < 8) return changed;
  const at = 8 * stream.below(Math.floor(changed.length / 8));
  new DataView(changed.buffer).setBigInt64(at, BigInt(pick(sizes, stream)), true);
  return changed;
};

const locations = ['../../etc/passwd', '/etc/passwd', '/dev/zero', '.', '', 'none.bin', 'a/../../b', 'a\0b'];

const moved: Change<TensorProto> = (tensor, stream) => ({
  ...tensor,
  rawData: new Uint8Array(),
  dataLocation: 1,
  externalData: [
    { key: 'location', value: pick(locations, stream) },
    { key: 'offset', value: String(pick(sizes, stream)) },
  ],
});

const tensor: Change<TensorProto> = either(
  field<TensorProto, 'dims'>('dims', someSize),
  field<TensorProto, 'dataType'>('dataType', (_, stream) => stream.below(24)),
  field<TensorProto, 'rawData'>('rawData', either(shorter, noise, absurdIntegers)),
  field<TensorProto, 'name'>('name', () => ''),
  moved,
);

const attribute: Change<AttributeProto> = either(
  field<AttributeProto, 'type'>('type', (_, stream) => stream.below(12)),
  field<AttributeProto, 'i'>('i', size),
  field<AttributeProto, 'ints'>('ints', someSize),
  field<AttributeProto, 'f'>('f', (_, stream) => pick([NaN, Infinity, -1, 0, 1e38], stream)),
  field<AttributeProto, 's'>('s', shorter),
  field<AttributeProto, 't'>('t', tensor),
  field<AttributeProto, 'name'>('name', () => 'another'),
);

const dimension: Change<DimensionProto> = either<DimensionProto>(
  (_, stream) => ({ dimValue: pick(sizes, stream) }),
  () => ({ dimParam: 'another' }),
  () => ({}),
);

const declaration: Change<ValueInfoProto> = either<ValueInfoProto>(
  ({ name = '' }) => ({ name }),
  ({ name = '', type }, stream) => ({
    name,
    type: { tensorType: { ...type?.tensorType, elemType: stream.below(24) } },
  }),
  ({ name = '', type }, stream) => {
    const dim = type?.tensorType?.shape?.dim ?? [];
    return { name, type: { tensorType: { elemType: 1, shape: { dim: one(dimension)(dim, stream) } } } };
  },
  ({ type }) => ({ name: 'another', ...(type && { type }) }),
);

/** Nodes that read or write other values of the graph, or are other operators. */
function rewired(graph: GraphProto): Change<NodeProto> {
  const values = ['', 'nothing', ...graph.node.flatMap((node) => node.output)];
  const constants = graph.initializer.map(({ name = '' }) => name);
  const operators = ['Quantum', ...new Set(graph.node.map(({ opType = '' }) => opType))];
  const another: Change<string> = (_, stream) => pick([...values, ...constants], stream);
  return either(
    field<NodeProto, 'input'>('input', either(one(another), without, twice)),
    field<NodeProto, 'output'>('output', either(one(another), without, twice)),
    field<NodeProto, 'opType'>('opType', (_, stream) => pick(operators, stream)),
    field<NodeProto, 'attribute'>('attribute', either(one(attribute), one(attribute), without, twice)),
  );
}

const graph: Change<GraphProto> = either<GraphProto>(
  field<GraphProto, 'initializer'>('initializer', either(one(tensor), one(tensor), without, twice)),
  (value, stream) => ({ ...value, node: one(rewired(value))(value.node, stream) }),
  (value, stream) => ({ ...value, node: one(rewired(value))(value.node, stream) }),
  field<GraphProto, 'node'>('node', either(without, twice)),
  field<GraphProto, 'input'>('input', either(one(declaration), without, twice)),
  field<GraphProto, 'output'>('output', either(one(declaration), without, twice)),
);

const model: Change<ModelProto> = (value, stream) => ({
  ...value,
  graph: graph(value.graph as GraphProto, stream),
  opsetImport:
    stream.below(20) > 0 ? value.opsetImport : [{ domain: '', version: pick([...sizes, 11, 24], stream) }],
});

/** Messages that are whole, with one to three contents that make no sense. */
const senseless: Change<Uint8Array> = (bytes, stream) => {
  let changed = decodeModel(bytes);
  for (let i = stream.below(3); i >= 0; i--) changed = model(changed, stream);
  return encodeModel(changed);
};

/** A stretch of the file repeated somewhere else. */
const spliced: Change<Uint8Array> = (bytes, stream) => {
  const [from, to] = [stream.below(bytes.length), stream.below(bytes.length)];
  const stretch = bytes.subarray(from, from + stream.below(200));
  return Buffer.concat([bytes.subarray(0, to), stretch, bytes.subarray(to)]);
};

/** `bytes` of a model with something wrong in them; mostly what a decoder alone cannot see. */
export const mutated: Change<Uint8Array> = either(senseless, senseless, senseless, noise, shorter, spliced);
