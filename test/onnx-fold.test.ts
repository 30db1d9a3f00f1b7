// Constant folding against onnxruntime: the same nodes on the same constants. Integers and flags must
// be equal; floats are computed in double precision here and in single precision there, so they may
// differ by a few units in the last place of single precision: 1e-6 of the value.

import test from 'ava';
import * as ort from 'onnxruntime-node';
import { HalfspaceError } from '../lib/errors.js';
import { producer } from '../lib/graph.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { elementType, type NodeProto, type TensorProto } from '../lib/onnx/schema.js';
import { initialWeights } from '../lib/weights.js';
import {
  booleans,
  floats,
  int64s,
  modelBytes,
  node,
  untyped,
  value,
  type AttributeValue,
} from './onnx-models.js';

interface FoldCase {
  readonly op: string;
  readonly inputs: readonly TensorProto[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Element type of the result where it is not a float. */
  readonly result?: number;
  readonly opset?: number;
}

const { int64, bool, float } = elementType;
const matrix = floats('m', [2, 3], [1.5, -2.5, 3, 0.5, 4, -0.25]);
const positive = floats('p', [3], [0.5, 2, 9]);
const whole = int64s('w', [2, 3], [7, -7, 3, 12, 5, -1]);
const vector = int64s('v', [3], [2, 2, -3]);
const numbers = (...data: number[]): TensorProto => int64s(`n${data.join('_')}`, [data.length], data);
const of = (op: string, ...inputs: TensorProto[]): FoldCase => ({ op, inputs });
const integer = (op: string, ...inputs: TensorProto[]): FoldCase => ({ ...of(op, ...inputs), result: int64 });
const flag = (op: string, ...inputs: TensorProto[]): FoldCase => ({ ...of(op, ...inputs), result: bool });
const withAttributes = (c: FoldCase, attributes: FoldCase['attributes'] & object): FoldCase => ({
  ...c,
  attributes,
});

const cases: readonly FoldCase[] = [
  ...[
    'Abs',
    'Ceil',
    'Exp',
    'Floor',
    'Neg',
    'Reciprocal',
    'Round',
    'Sign',
    'Identity',
    'Relu',
    'Sigmoid',
    'Tanh',
    'Sin',
    'Cos',
  ].map((op) => of(op, matrix)),
  ...['Log', 'Sqrt'].map((op) => of(op, positive)),
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'].flatMap((op) => [
    of(op, matrix, positive),
    integer(op, whole, vector),
  ]),
  of('Pow', positive, floats('e', [], [1.5])),
  of('Mean', matrix, positive, floats('s', [1], [3])),
  withAttributes(of('ReduceLogSum', positive), { axes: [0] }),
  of('Sum', matrix, positive, floats('s', [1], [3])),
  integer('Mod', whole, vector),
  withAttributes(of('Mod', matrix, positive), { fmod: 1 }),
  flag('Not', booleans('b', [2], [1, 0])),
  flag('And', booleans('a', [2], [1, 0]), booleans('b', [2], [1, 1])),
  flag('Or', booleans('a', [2], [1, 0]), booleans('b', [2], [0, 0])),
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((op) => flag(op, whole, vector)),
  withAttributes(integer('Cast', matrix), { to: int64 }),
  withAttributes(of('Cast', whole), { to: float }),
  withAttributes(flag('Cast', matrix), { to: bool }),
  of('CastLike', whole, matrix),
  integer('CastLike', matrix, whole),
  of('Where', booleans('c', [2, 1], [1, 0]), matrix, positive),
  of('Clip', matrix, floats('low', [], [-1]), floats('high', [], [2])),
  of('Clip', matrix, floats('low', [], [1])),
  integer('Clip', whole, int64s('low', [], [0])),
  ...['ReduceL1', 'ReduceL2', 'ReduceMean', 'ReduceSumSquare'].flatMap((op) => [
    withAttributes(of(op, matrix), { axes: [-1] }),
    withAttributes(of(op, floats('t', [2, 1, 3], [1, -2, 3, 4, 5, -6])), { axes: [0, 2], keepdims: 0 }),
    { ...of(op, matrix, numbers(0)), opset: 18 },
    of(op, matrix),
  ]),
  withAttributes(integer('ReduceProd', whole), { axes: [1], keepdims: 0 }),
  integer('ReduceSum', whole, numbers(0)),
  withAttributes(of('ReduceMax', matrix), { axes: [-1] }),
  withAttributes(of('ReduceMin', matrix), { keepdims: 0 }),
  withAttributes(integer('Constant'), { value: int64s('', [2], [3, 4]) }),
  withAttributes(integer('Constant'), { value_ints: [3, 4] }),
  withAttributes(integer('Constant'), { value_int: 5 }),
  withAttributes(of('Constant'), { value_float: { float: 2.5 } }),
  withAttributes(integer('ConstantOfShape', numbers(2, 2)), { value: int64s('', [1], [9]) }),
  of('ConstantOfShape', numbers(3)),
  integer('Range', int64s('a', [], [2]), int64s('b', [], [11]), int64s('c', [], [3])),
  integer('Range', int64s('a', [], [5]), int64s('b', [], [0]), int64s('c', [], [-2])),
  of('Expand', positive, numbers(2, 1)),
  of('Reshape', matrix, numbers(0, -1, 1)),
  withAttributes(of('Flatten', floats('f', [2, 1, 2], [1, 2, 3, 4])), { axis: 2 }),
  of('Squeeze', floats('q', [1, 2, 1], [1, 2])),
  of('Squeeze', floats('q', [1, 2, 1], [1, 2]), numbers(-1)),
  { ...withAttributes(of('Squeeze', floats('q', [1, 2, 1], [1, 2])), { axes: [0] }), opset: 12 },
  of('Unsqueeze', matrix, numbers(0, -1)),
  { ...withAttributes(of('Unsqueeze', matrix), { axes: [1] }), opset: 12 },
  of('Transpose', matrix),
  withAttributes(of('Transpose', floats('t', [2, 1, 3], [1, 2, 3, 4, 5, 6])), { perm: [2, 0, 1] }),
  withAttributes(integer('Concat', numbers(1, 2), numbers(3)), { axis: 0 }),
  withAttributes(of('Concat', matrix, floats('k', [2, 1], [8, 9])), { axis: -1 }),
  withAttributes(integer('Gather', whole, numbers(2, -3)), { axis: 1 }),
  integer('Gather', numbers(5, 6, 7), int64s('i', [], [1])),
  of('Slice', matrix, int64s('start', [1], [1]), numbers(2 ** 31), int64s('axis', [1], [1])),
  of('Slice', matrix, numbers(-1, 5), numbers(-10, 0), numbers(0, 1), numbers(-1, -2)),
  of('Tile', floats('t', [2, 1, 3], [1, 2, 3, 4, 5, 6]), numbers(2, 3, 1)),
  of('Pad', matrix, numbers(1, 0, 0, 2), floats('c', [], [7])),
  { ...of('Pad', matrix, numbers(2, 1), floats('c', [], [0]), numbers(-1)), opset: 18 },
  integer('Pad', whole, numbers(0, 1, 1, 0)),
  of('GatherND', matrix, int64s('i', [2, 2], [0, 1, -1, 2])),
  of('GatherND', matrix, int64s('i', [1, 2, 1], [1, -2])),
  of('ScatterND', matrix, int64s('i', [2, 2], [0, 1, -1, 2]), floats('u', [2], [7, 8])),
  of('ScatterND', matrix, int64s('i', [1, 1], [1]), floats('u', [1, 3], [7, 8, 9])),
];

for (const [index, c] of cases.entries()) {
  const shapes = c.inputs.map((tensor) => `[${tensor.dims.join(',')}]`).join(' ');
  test(`onnxruntime folds ${c.op} of ${shapes || 'nothing'} alike (${index + 1})`, async (t) => {
    const folded = ours(c);
    const { dims, data } = await theirs(c);
    t.deepEqual(folded.shape, dims);
    t.is(folded.data.length, data.length);
    const tolerance = c.result === undefined ? 1e-6 : 0;
    const differs = folded.data.filter(
      (x, i) => !(Math.abs(x - (data[i] as number)) <= tolerance * Math.abs(x)),
    );
    t.deepEqual(differs, []);
  });
}

const call = (c: FoldCase): NodeProto =>
  node(
    c.op,
    c.inputs.map((tensor) => tensor.name ?? ''),
    ['y'],
    c.attributes,
  );

/** The constant that importing leaves as the output. */
function ours(c: FoldCase): { shape: readonly number[]; data: number[] } {
  const graph = fromOnnx(
    modelBytes({
      nodes: [call(c)],
      outputs: [untyped('y', c.result)],
      constants: c.inputs,
      opset: c.opset ?? 17,
    }),
  );
  const [output] = graph.outputs;
  // A constant that is passed on has a name of its own, and so is copied.
  const constant = (output && producer(output)?.inputs[0]) ?? output;
  const data = initialWeights(graph, 0).get(constant?.name ?? '');
  return { shape: constant?.type.shape ?? [], data: [...(data ?? [])] };
}

async function theirs(c: FoldCase): Promise<{ dims: readonly number[]; data: number[] }> {
  const bytes = modelBytes({
    nodes: [call(c)],
    outputs: [untyped('y', c.result)],
    constants: c.inputs,
    opset: c.opset ?? 17,
  });
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const { y } = await session.run({});
  return { dims: y?.dims ?? [], data: Array.from(y?.data as BigInt64Array, Number) };
}

const parts: readonly FoldCase[] = [
  withAttributes(of('Split', matrix), { axis: 1 }),
  withAttributes(of('Split', matrix, numbers(1, 0, 2)), { axis: -1 }),
  { ...withAttributes(of('Split', matrix), { axis: 1, split: [2, 1] }), opset: 12 },
  { ...withAttributes(of('Split', matrix), { axis: 1, num_outputs: 2 }), opset: 18 },
];

for (const [index, c] of parts.entries()) {
  test(`onnxruntime splits a constant alike (${index + 1})`, async (t) => {
    const sizes = c.inputs[1]?.int64Data ?? c.attributes?.['split'] ?? (c.opset === 18 ? [2, 1] : [1, 1, 1]);
    const names = Array.from(sizes as readonly number[], (_, k) => `part ${k}`);
    const bytes = modelBytes({
      nodes: [{ ...call(c), output: names }],
      outputs: names.map((name) => untyped(name)),
      constants: c.inputs,
      opset: c.opset ?? 17,
    });
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
    const expected = await session.run({});
    const graph = fromOnnx(bytes);
    const contents = initialWeights(graph, 0);
    t.deepEqual(graph.nodes, []);
    for (const [k, name] of names.entries()) {
      const output = graph.outputs[k];
      t.deepEqual(output?.type.shape, expected[name]?.dims);
      t.deepEqual(
        [...(contents.get(output?.name ?? '') ?? [])],
        Array.from((expected[name]?.data ?? []) as Float32Array),
      );
    }
  });
}

test('arithmetic on the shape of a computed value leaves one node', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', ['N', 2, 3, 4])],
      nodes: [
        node('Relu', ['x'], ['r'], {}, 'relu'),
        node('Shape', ['r'], ['shape']),
        node('Gather', ['shape', 'zero'], ['batch'], { axis: 0 }),
        node('Unsqueeze', ['batch', 'front'], ['batches']),
        node('Concat', ['batches', 'rest'], ['target'], { axis: 0 }),
        node('Reshape', ['r', 'target'], ['y'], {}, 'reshape'),
      ],
      constants: [int64s('zero', [], [0]), int64s('front', [1], [0]), int64s('rest', [1], [-1])],
      outputs: [value('y', ['N', 24])],
    }),
  );
  t.deepEqual(
    graph.nodes.map((n) => n.name),
    ['relu', 'reshape'],
  );
  t.deepEqual(graph.nodes[1]?.op.attrs, { shape: [0, -1] });
  t.deepEqual(graph.parameters, []);
});

test('a file that would make constants without end is refused before they are made', (t) => {
  const growth = Array.from({ length: 30 }, (_, i) =>
    node('Concat', [`c${i}`, `c${i}`], [`c${i + 1}`], { axis: 0 }),
  );
  const bytes = modelBytes({
    nodes: growth,
    constants: [numbersNamed('c0', 1, 2)],
    outputs: [untyped('c30', int64)],
  });
  const error = t.throws(() => fromOnnx(bytes), { instanceOf: HalfspaceError });
  t.is(error?.code, 'ERR_MODEL');
  t.regex(error?.message ?? '', /constants computed in the file would take more than \d+ elements/);
});

const numbersNamed = (name: string, ...data: number[]): TensorProto => int64s(name, [data.length], data);
