// What an imported network keeps of its file: names, weights, ties, shapes; what it does with operators
// that are not known; and how files that are damaged or malicious are refused.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { HalfspaceError, type ErrorCode } from '../lib/errors.js';
import { atBatch, print, type Graph } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { compileInference } from '../lib/compile/inference.js';
import { decodeModel } from '../lib/onnx/decode.js';
import { encodeModel } from '../lib/onnx/encode.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx, type ImportOptions } from '../lib/onnx/import.js';
import {
  elementType,
  type FunctionProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../lib/onnx/schema.js';
import { listUnsupported, requireSupported, unsupported } from '../lib/ops/opaque.js';
import { addGates } from '../lib/search/gates.js';
import { searchSpace } from '../lib/search/space.js';
import type { Shape } from '../lib/shape.js';
import { initialWeights } from '../lib/weights.js';
import {
  booleans,
  floats,
  graphProto,
  int64s,
  modelBytes,
  modelProto,
  node,
  untyped,
  value,
  type Model,
} from './onnx-models.js';
import { noise, relativeDifference, runNative, runOnnx, runReference, trainNative } from './onnx-tools.js';

/** Residual and concatenated branches, with every kind of parameter. */
function branchy(): Graph {
  const network = new Network();
  const x = network.input('image', [1, 3, 8, 8]);
  const stem = network.relu(
    network.batchNorm(network.conv(x, 4, { kernel: 3, name: 'stem' }), { name: 'norm' }),
  );
  const joined = network.add([
    stem,
    network.conv(stem, 4, { kernel: 3, groups: 4, bias: false, name: 'depthwise' }),
  ]);
  const both = network.concat([joined, network.silu(stem)]);
  return network.graph([
    network.linear(network.flatten(network.maxPool(both, { kernel: 2 })), 10, { name: 'head' }),
  ]);
}

test('what was exported is imported as it was, but for fused activations', (t) => {
  const network = new Network();
  const x = network.input('image', [1, 3, 8, 8]);
  const stem = network.relu(
    network.batchNorm(network.conv(x, 4, { kernel: 3 }), { epsilon: 1e-3, momentum: 0.3 }),
  );
  const sum = network.add([stem, network.conv(stem, 4, { kernel: 3, groups: 4, bias: false })]);
  const graph = network.graph([network.linear(network.flatten(network.globalAveragePool(sum)), 10)]);
  const weights = initialWeights(graph, 3);
  const back = fromOnnx(toOnnx(graph, weights));
  t.is(print(back), print(graph));
  t.deepEqual(initialWeights(back, 0), weights);
});

test('parameters that convolution, normalisation and linear layers read are trained, statistics are not', (t) => {
  const graph = fromOnnx(toOnnx(branchy(), initialWeights(branchy(), 1)));
  const fixed = graph.parameters.filter((p) => !p.trainable).map((p) => p.name);
  t.deepEqual(fixed, ['norm.running_mean', 'norm.running_var']);
});

test('a constant that is added is a parameter which is not trained', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 3])],
      nodes: [node('Add', ['x', 'offset'], ['y'])],
      constants: [floats('offset', [3], [1, 2, 3])],
      outputs: [value('y', [1, 3])],
    }),
  );
  t.deepEqual(
    graph.parameters.map((p) => [p.name, p.trainable]),
    [['offset', false]],
  );
});

/** Name and use of the parameters that x times c leaves. */
const scaling = (nodes: readonly NodeProto[], ...constants: TensorProto[]) =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 3])],
      nodes: [...nodes, node('Mul', ['x', 'c'], ['y'])],
      constants,
      outputs: [value('y', [1, 3])],
    }),
  ).parameters.map((p) => [p.name, p.trainable]);

test('a vector of one number is trained where it is a weight, not where it was computed', (t) => {
  t.deepEqual(scaling([], floats('c', [1], [2])), [['c', true]]);
  t.deepEqual(scaling([node('Sqrt', ['s'], ['c'])], floats('s', [1], [2])), []);
  t.deepEqual(scaling([node('Constant', [], ['c'], { value: floats('', [1], [2]) })]), []);
});

/** A normalisation of two groups of two channels, as exporters of PyTorch take it apart. */
const grouped = (scale: string, bias: string): Uint8Array =>
  modelBytes({
    inputs: [value('x', [1, 4, 3, 2])],
    nodes: [
      node('Reshape', ['x', 'groups'], ['apart']),
      node('InstanceNormalization', ['apart', 'ones', 'zeros'], ['normal']),
      node('Reshape', ['normal', 'image'], ['back']),
      node('Mul', ['back', scale], ['scaled']),
      node('Add', ['scaled', bias], ['shifted']),
      node('PRelu', ['shifted', 'slope'], ['y']),
    ],
    constants: [
      int64s('groups', [3], [0, 2, -1]),
      int64s('image', [4], [1, 4, 3, 2]),
      floats('ones', [2], [1, 1]),
      floats('zeros', [2], [0, 0]),
      floats('scale', [4, 1, 1], [1, 2, 3, 4]),
      floats('bias', [4, 1, 1], [1, 2, 3, 4]),
      floats('row', [1, 2], [1, 2]),
      floats('slope', [4, 1, 1], [0.1, 0.2, 0.3, 0.4]),
    ],
    outputs: [value('y', [1, 4, 3, 2])],
  });

const trainable = (graph: Graph): readonly string[] =>
  graph.parameters.filter((p) => p.trainable).map((p) => p.name);

test('scale and shift of groups and slopes are trained, also when the network was exported and is read again', (t) => {
  const graph = fromOnnx(grouped('scale', 'bias'));
  t.deepEqual(trainable(graph), ['scale', 'bias', 'slope']);
  const again = fromOnnx(toOnnx(graph, initialWeights(graph, 0)));
  t.is(print(again), print(graph));
});

test('a constant beside a normalisation that is not one number a channel is not trained', (t) => {
  t.deepEqual(trainable(fromOnnx(grouped('row', 'bias'))), ['slope']);
});

for (const [what, yes, no] of [
  ['both sides', 'soft', 'x'],
  ['one side', 'soft', 'zero'],
  ['the other side', 'zero', 'soft'],
] as const) {
  test(`a choice by a comparison, computed on ${what}, is exported and read again as it was`, async (t) => {
    const bytes = modelBytes({
      inputs: [value('x', [1, 4, 3, 2])],
      nodes: [
        node('Less', ['x', 'most'], ['flags']),
        node('Softplus', ['x'], ['soft']),
        node('Where', ['flags', yes, no], ['y']),
      ],
      constants: [floats('most', [], [0.2]), floats('zero', [], [0])],
      outputs: [value('y', [1, 4, 3, 2])],
    });
    const graph = fromOnnx(bytes);
    const weights = initialWeights(graph, 0);
    const again = fromOnnx(toOnnx(graph, weights));
    t.is(again.nodes.length, graph.nodes.length);
    const inputs = noise(graph, 1);
    const [expected = []] = await runOnnx(bytes, inputs);
    for (const network of [graph, again]) {
      const [actual = []] = runReference(network, initialWeights(network, 0), inputs);
      t.true(relativeDifference(actual, expected) < 1e-5);
    }
  });
}

test('nodes keep their names, and those without one are called by operator and position', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 3])],
      nodes: [
        node('Relu', ['x'], ['a']),
        node('Constant', [], ['c'], { value: floats('', [], [2]) }),
        node('Mul', ['a', 'c'], ['b']),
        node('Tanh', ['b'], ['d'], {}, 'last'),
        node('Tanh', ['d'], ['e'], {}, 'last_2'),
        node('Tanh', ['e'], ['y'], {}, 'last'),
      ],
      outputs: [value('y', [1, 3])],
    }),
  );
  t.deepEqual(
    graph.nodes.map((n) => n.name),
    ['Relu_0', 'Mul_2', 'last', 'last_2', 'last_3'],
  );
});

const layer = (from: string, to: string) => node('Gemm', [from, 'w'], [to], { transB: 1 });

test('outputs keep the names that the file gives them, at every batch size', (t) => {
  const bytes = modelBytes({
    inputs: [value('x', [1, 2])],
    nodes: [node('Relu', ['x'], ['scores'], {}, 'last'), node('Tanh', ['scores'], ['other'], {}, 'more')],
    outputs: [value('scores', [1, 2]), value('other', [1, 2])],
  });
  const graph = fromOnnx(bytes);
  t.deepEqual(
    graph.nodes.map((n) => n.name),
    ['last', 'more'],
  );
  t.deepEqual(
    atBatch(graph, 4).outputs.map((v) => v.name),
    ['scores', 'other'],
  );
  const again = fromOnnx(toOnnx(graph, new Map()));
  t.deepEqual(
    again.outputs.map((v) => v.name),
    ['scores', 'other'],
  );
});

const outputNames = (graph: Graph): readonly string[] => graph.outputs.map(({ name }) => name);

test('outputs that are one value, or an input, keep their names and are computed like those of the file', async (t) => {
  const bytes = modelBytes({
    inputs: [value('x', ['N', 2])],
    nodes: [
      node('Relu', ['x'], ['h'], {}, 'h'),
      node('Identity', ['h'], ['first']),
      node('Dropout', ['h'], ['second']),
      node('Identity', ['x'], ['third']),
      node('Identity', ['w'], ['fifth']),
    ],
    constants: [floats('w', [3], [1, 2, 3])],
    outputs: ['first', 'second', 'third', 'x', 'w', 'fifth'].map((name) => untyped(name)),
  });
  const graph = fromOnnx(bytes);
  const names = ['first', 'second', 'third', 'x', 'w', 'fifth'];
  t.deepEqual(outputNames(graph), names);
  t.deepEqual(outputNames(addGates(graph).graph), names);
  const written = toOnnx(graph, initialWeights(graph, 0));
  t.deepEqual(
    decodeModel(written).graph?.output.map(({ name }) => name),
    names,
  );
  const inputs = noise(graph, 3);
  const expected = await runOnnx(bytes, inputs);
  t.deepEqual(await runOnnx(written, inputs), expected);
  t.deepEqual([...(await runNative(graph, initialWeights(graph, 0), inputs))], expected);
});

test('an output that is declared twice is one value', (t) => {
  const graph = fromOnnx(modelBytes({ ...plain, outputs: [value('y', [1, 2]), value('y', [1, 2])] }));
  t.deepEqual(outputNames(graph), ['y', 'y']);
  t.is(graph.nodes.length, 1);
});

test('inputs and outputs have their names even where nodes and weights are called so', async (t) => {
  const bytes = modelBytes({
    inputs: [value('x', ['N', 2])],
    nodes: [
      node('Relu', ['x'], ['a'], {}, 'x'),
      node('Add', ['a', 'w'], ['b'], {}, 'y'),
      node('Tanh', ['b'], ['y'], {}, 'w'),
      node('Sigmoid', ['y'], ['w_2'], {}, 'last'),
    ],
    constants: [floats('w', [2], [1, 2])],
    outputs: [untyped('y'), untyped('w_2')],
  });
  const graph = fromOnnx(bytes);
  t.deepEqual(
    graph.inputs.map(({ name }) => name),
    ['x'],
  );
  t.deepEqual(outputNames(graph), ['y', 'w_2']);
  t.deepEqual(
    graph.nodes.map(({ name }) => name),
    ['x', 'y', 'w', 'last'],
  );
  const inputs = noise(graph, 1);
  const written = toOnnx(graph, initialWeights(graph, 0));
  t.deepEqual(await runOnnx(written, inputs), await runOnnx(bytes, inputs));
});

for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
  test(`an input may be called ${name}, as may an output and weights`, async (t) => {
    const bytes = modelBytes({
      inputs: [value(name, ['N', 2])],
      nodes: [node('Gemm', [name, `${name}.w`], ['h'], {}, name), node('Relu', ['h'], ['prototype'])],
      constants: [floats(`${name}.w`, [2, 2], [1, -1, 2, -2])],
      outputs: [untyped('prototype')],
    });
    const graph = fromOnnx(bytes);
    t.is(graph.inputs[0]?.name, name);
    const inputs = noise(graph, 2);
    const weights = initialWeights(graph, 0);
    t.deepEqual([...(await runNative(graph, weights, inputs))], await runOnnx(bytes, inputs));
    t.deepEqual(await runOnnx(toOnnx(graph, weights), inputs), await runOnnx(bytes, inputs));
    await t.throwsAsync(runNative(graph, weights, {}), {
      code: 'ERR_OPTION',
      message: `entry 'infer': input '${name}' is missing`,
    });
  });
}

test('a network with gates has the names of the outputs that the file gives', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [node('Gemm', ['x', 'w'], ['h']), node('Add', ['h', 'x'], ['s']), node('Relu', ['s'], ['y'])],
      constants: [floats('w', [2, 2], [1, 2, 3, 4])],
      outputs: [value('y', [1, 2])],
    }),
  );
  const { gates, graph: gated } = addGates(graph);
  t.is(gates.length, 1);
  t.deepEqual(outputNames(gated), ['y']);
});

test('a weight that two layers share is one parameter', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [
        layer('x', 'a'),
        node('Identity', ['w'], ['w2']),
        node('Gemm', ['a', 'w2'], ['y'], { transB: 1 }),
      ],
      constants: [floats('w', [2, 2], [1, 2, 3, 4])],
      outputs: [value('y', [1, 2])],
    }),
  );
  t.is(graph.parameters.length, 1);
  t.is(graph.nodes[0]?.inputs[1], graph.nodes[1]?.inputs[1]);
});

const product = (outputs: readonly string[]): Graph =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [node('MatMul', ['x', 'w'], ['p'], {}, 'product'), node('Add', ['b', 'p'], ['y'], {}, 'sum')],
      constants: [floats('w', [2, 3], [1, 2, 3, 4, 5, 6]), floats('b', [3], [1, 1, 1])],
      outputs: outputs.map((name) => value(name, [1, 3])),
    }),
  );

const norm = (from: string, to: string, scale: string) =>
  node('BatchNormalization', [from, scale, 'zero', 'zero', 'one'], [to]);

test('vectors of one number are not tied, however often an exporter has merged them', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [
        norm('x', 'a', 'one'),
        node('Identity', ['one'], ['second.weight']),
        norm('a', 'y', 'second.weight'),
      ],
      constants: [floats('one', [2], [1, 1]), floats('zero', [2], [0, 0])],
      outputs: [value('y', [1, 2])],
    }),
  );
  const names = graph.nodes.map((n) => n.inputs.slice(1).map((v) => v.name));
  t.is(new Set(names.flat()).size, 8);
  t.is(names[1]?.[0], 'second.weight');
});

test('a product and the constant added to it are one linear layer, unless someone else reads the product', (t) => {
  t.deepEqual(
    product(['y']).nodes.map((n) => n.name),
    ['product'],
  );
  t.deepEqual(
    product(['y']).parameters.map((p) => p.trainable),
    [true, true],
  );
  t.deepEqual(
    product(['y', 'p']).nodes.map((n) => n.name),
    ['product', 'sum'],
  );
});

const raw = (dataType: number, bytes: readonly number[]): TensorProto => ({
  name: 'w',
  dims: [2],
  dataType,
  rawData: Uint8Array.from(bytes),
});

const readBack = (tensor: TensorProto): number[] => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [node('Add', ['x', 'w'], ['y'])],
      constants: [tensor],
      outputs: [value('y', [1, 2])],
    }),
  );
  return [...(initialWeights(graph, 0).get('w') ?? [])];
};

test('weights in half, brain and double precision are read as what they stand for', (t) => {
  t.deepEqual(readBack(raw(elementType.float16, [0x00, 0x3e, 0x01, 0x80])), [1.5, -(2 ** -24)]);
  t.deepEqual(readBack(raw(elementType.bfloat16, [0xc0, 0x3f, 0x80, 0xc0])), [1.5, -4]);
  t.deepEqual(
    readBack(raw(elementType.double, [...new Uint8Array(Float64Array.of(1.5, -4).buffer)])),
    [1.5, -4],
  );
});

test('a network in a file of batch size one runs at every other', async (t) => {
  const graph = branchy();
  const weights = initialWeights(graph, 2);
  const fixed = fromOnnx(toOnnx(graph, weights, { dynamicBatch: false }));
  const inputs = noise(graph, 3);
  const [expected] = await runOnnx(toOnnx(graph, weights), inputs);
  const [actual] = runReference(fixed, initialWeights(fixed, 0), inputs);
  t.is(atBatch(fixed, 3).outputs[0]?.type.shape[0], 3);
  // Single against double precision over sums of a few hundred terms.
  t.true(relativeDifference(actual ?? [], expected ?? []) < 1e-5);
});

/** Tokens of any number of images, as an exporter writes them that knows one number. */
const tokens = (batch: number) =>
  modelBytes({
    inputs: [value('x', [batch, 2, 4])],
    nodes: [
      node('Expand', ['token', 'repeat'], ['tokens']),
      node('Concat', ['tokens', 'x'], ['joined'], { axis: 1 }),
      node('Transpose', ['joined'], ['turned'], { perm: [1, 0, 2] }),
      node('Reshape', ['turned', 'heads'], ['split']),
      node('Softmax', ['split'], ['soft'], { axis: 2 }),
      node('Reshape', ['soft', 'back'], ['y']),
    ],
    constants: [
      floats('token', [1, 1, 4], [1, -1, 0.5, 2]),
      int64s('repeat', [3], [batch, 1, 4]),
      int64s('heads', [3], [3, 2 * batch, 2]),
      int64s('back', [2], [3 * batch, 4]),
    ],
    outputs: [untyped('y')],
  });

test('a class token and heads behind the batch, written for one image, work for any number', async (t) => {
  const graph = fromOnnx(tokens(1));
  const inputs = noise(graph, 3);
  const [expected] = await runOnnx(tokens(3), inputs);
  const [actual] = runReference(graph, initialWeights(graph, 0), inputs);
  t.true(relativeDifference(actual ?? [], expected ?? []) < 1e-5);
  t.true(graph.parameters.find((parameter) => parameter.name === 'token')?.trainable);
});

/** Files for one image whose result is the image, plus what shows where the batch went. */
const regrouped: readonly (readonly [string, readonly NodeProto[]])[] = [
  [
    'rows of all images, taken apart with the batch inside',
    [
      node('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }),
      node('Reshape', ['t', 'rows'], ['r']),
      node('Reshape', ['r', 'apart'], ['s']),
      node('Transpose', ['s'], ['z'], { perm: [1, 0, 2] }),
      node('Add', ['z', 'x'], ['y']),
    ],
  ],
  [
    'windows of all images, with their features taken apart',
    [
      node('Reshape', ['x', 'windows'], ['w']),
      node('Reshape', ['w', 'heads'], ['h']),
      node('Add', ['h', 'offsets'], ['o']),
      node('Reshape', ['o', 'image'], ['y']),
    ],
  ],
  [
    'a table that weights make of constants, added to one image',
    [
      node('MatMul', ['coordinates', 'weights'], ['t']),
      node('Reshape', ['t', 'image'], ['z']),
      node('Add', ['x', 'z'], ['y']),
    ],
  ],
];

for (const [what, nodes] of regrouped) {
  test(`${what}: the batch stays where it belongs`, async (t) => {
    const bytes = modelBytes({
      inputs: [value('x', [1, 4, 4])],
      nodes,
      constants: [
        int64s('rows', [2], [4, 4]),
        int64s('apart', [3], [4, 1, 4]),
        int64s('windows', [3], [2, 2, 4]),
        int64s('heads', [4], [2, 2, 2, 2]),
        int64s('image', [3], [1, 4, 4]),
        floats('offsets', [2, 2, 1], [1, 2, 3, 4]),
        floats('coordinates', [4, 1], [1, 2, 3, 4]),
        floats('weights', [1, 4], [5, 6, 7, 8]),
      ],
      outputs: [untyped('y')],
    });
    const graph = fromOnnx(bytes);
    const inputs = noise(graph, 3);
    const [all = []] = runReference(graph, new Map(initialWeights(graph, 0)), inputs);
    const { data } = inputs['x'] as { data: Float32Array };
    for (const image of [0, 1, 2]) {
      const range = [16 * image, 16 * (image + 1)] as const;
      const [expected = []] = await runOnnx(bytes, { x: { shape: [1, 4, 4], data: data.slice(...range) } });
      t.true(relativeDifference(all.slice(...range), expected) < 1e-6);
    }
  });
}

test('a norm of zero has a gradient of zero', async (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 3])],
      nodes: [
        node('MatMul', ['x', 'w'], ['a']),
        node('Relu', ['a'], ['b']),
        node('ReduceL2', ['b'], ['n'], { axes: [1] }),
        node('Clip', ['n', 'least'], ['c']),
        node('Div', ['b', 'c'], ['y']),
      ],
      constants: [floats('w', [3, 2], [0, 0, 0, 0, 0, 0]), floats('least', [], [1e-6])],
      outputs: [untyped('y')],
    }),
  );
  t.deepEqual(await trainNative(graph, 2, 2, 0.1), [Math.fround(Math.log(2)), Math.fround(Math.log(2))]);
});

/** A product of weights, and what follows. */
const ending = (end: readonly NodeProto[], output: string): Graph =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 3])],
      nodes: [node('MatMul', ['x', 'w'], ['a']), ...end],
      constants: [floats('w', [3, 2], [0.1, 0.2, -0.3, 0.4, 0.5, -0.6])],
      outputs: [untyped(output)],
    }),
  );

const fewLosses = (graph: Graph) => trainNative(graph, 2, 3, 0.5);

test('a network that ends in probabilities is trained on their logits, and keeps its end', async (t) => {
  const logits = await fewLosses(ending([], 'a'));
  const softmax = node('Softmax', ['a'], ['p'], { axis: 1 });
  const graph = ending([softmax], 'p');
  t.deepEqual(await fewLosses(graph), logits);
  t.is(graph.nodes.at(-1)?.op.name, 'Softmax');
  const logarithm = await fewLosses(ending([softmax, node('Log', ['p'], ['l'])], 'l'));
  t.true(relativeDifference(logarithm, logits) < 1e-6);
  const across = await fewLosses(ending([node('Softmax', ['a'], ['p'], { axis: 0 })], 'p'));
  t.true(relativeDifference(across, logits) > 1e-3);
});

test('an open size other than the batch has to be given', (t) => {
  const open = modelBytes({
    inputs: [value('x', ['N', 3, 'height', 'width'])],
    nodes: [node('GlobalAveragePool', ['x'], ['y'])],
    outputs: [value('y', ['N', 3, 1, 1])],
  });
  refused(t, () => fromOnnx(open), 'ERR_MODEL', "input 'x' leaves the size of axis 2 ('height') open");
  t.deepEqual(fromOnnx(open, { shapes: { x: [1, 3, 8, 9] } }).inputs[0]?.type.shape, [1, 3, 8, 9]);
  refused(
    t,
    () => fromOnnx(open, { shapes: { x: [1, 4, 8, 9] } }),
    'ERR_MODEL',
    'declared as [N,3,height,width] but [1,4,8,9]',
  );
  refused(
    t,
    () => fromOnnx(open, { shapes: { image: [1] } }),
    'ERR_OPTION',
    "the model has no input 'image', only 'x'",
  );
});

/** The shape of the only input of a network for `image`. */
const shapeOf = (input: ValueInfoProto, image: Shape): Shape | undefined =>
  fromOnnx(modelBytes({ inputs: [input], nodes: [node('Relu', ['x'], ['y'])], outputs: [untyped('y')] }), {
    image,
  }).inputs[0]?.type.shape;

test('sizes that an input leaves open are those of the image', (t) => {
  t.deepEqual(shapeOf(value('x', ['N', 3, 'height', 'width']), [3, 8, 9]), [1, 3, 8, 9]);
  t.deepEqual(shapeOf(value('x', [2, 3, 4, 5]), [3, 8, 9]), [2, 3, 4, 5]);
  t.deepEqual(
    shapeOf({ name: 'x', type: { tensorType: { elemType: elementType.float } } }, [3, 8, 9]),
    [1, 3, 8, 9],
  );
  const features = value('x', ['N', 'features']);
  refused(t, () => shapeOf(features, [3, 8, 9]), 'ERR_MODEL', "leaves the size of axis 1 ('features') open");
});

test('parts of nothing leave no trace in what is joined', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [node('Concat', ['x', 'nothing', 'x'], ['y'], { axis: 1 })],
      constants: [floats('nothing', [1, 0], [])],
      outputs: [value('y', [1, 4])],
    }),
  );
  t.deepEqual(graph.parameters, []);
  t.deepEqual(
    graph.nodes.map(({ op, inputs }) => [op.name, ...inputs.map(({ name }) => name)]),
    [['Concat', 'x', 'x']],
  );
});

test('nodes that no output needs are left out', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [node('Relu', ['x'], ['y']), node('Mystery', ['x'], ['z'])],
      outputs: [value('y', [1, 2])],
    }),
  );
  t.deepEqual(
    graph.nodes.map((n) => n.name),
    ['Relu_0'],
  );
});

test('nodes out of order are put in order', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [node('Tanh', ['a'], ['y'], {}, 'second'), node('Relu', ['x'], ['a'], {}, 'first')],
      outputs: [value('y', [1, 2])],
    }),
  );
  t.deepEqual(
    graph.nodes.map((n) => n.name),
    ['first', 'second'],
  );
});

const plain: Model = {
  inputs: [value('x', [1, 2])],
  nodes: [node('Relu', ['x'], ['y'])],
  outputs: [value('y', [1, 2])],
};

/** leaky(x; slope) = LeakyRelu(Identity(x)), called by twice(x) = leaky(leaky(x; 0.5); 0.25). */
const functions: readonly FunctionProto[] = [
  {
    name: 'leaky',
    domain: 'own',
    input: ['x'],
    output: ['y'],
    attribute: ['slope'],
    attributeProto: [],
    node: [
      node('Identity', ['x'], ['t']),
      {
        ...node('LeakyRelu', ['t'], ['y']),
        attribute: [{ name: 'alpha', type: 1, refAttrName: 'slope' }],
      },
    ],
  },
  {
    name: 'twice',
    domain: 'own',
    input: ['x'],
    output: ['y'],
    attribute: [],
    attributeProto: [],
    node: [leaky('x', 't', 0.5), leaky('t', 'y', 0.25)],
  },
];

function leaky(from: string, to: string, slope: number): NodeProto {
  return { ...node('leaky', [from], [to], { slope: { float: slope } }, `leaky ${slope}`), domain: 'own' };
}

const twice: NodeProto = { ...node('twice', ['x'], ['y'], {}, 'call'), domain: 'own' };

test('functions of a file are written out where they are called', (t) => {
  const model = modelProto({ ...plain, nodes: [twice] });
  const graph = fromOnnx(encodeModel({ ...model, functions }));
  t.deepEqual(
    graph.nodes.map((n) => [n.name, n.op.attrs['alpha']]),
    [
      ['call/leaky 0.5/LeakyRelu_1', 0.5],
      ['call/leaky 0.25/LeakyRelu_1', 0.25],
    ],
  );
});

/** level n = level n + 1 applied twice. */
const doubling = (level: number): FunctionProto => ({
  ...(functions[1] as FunctionProto),
  name: `level${level}`,
  node: [0, 1].map((half) => ({
    ...node(`level${level + 1}`, [half ? 't' : 'x'], [half ? 'y' : 't']),
    domain: 'own',
  })),
});

test('functions that call themselves, or grow without end, are refused', (t) => {
  const call: NodeProto = { ...node('level0', ['x'], ['y']), domain: 'own' };
  const model = modelProto({ ...plain, nodes: [call] });
  const endless = { ...doubling(0), node: [call] };
  refused(
    t,
    () => fromOnnx(encodeModel({ ...model, functions: [endless] })),
    'ERR_MODEL',
    "function 'level0' calls itself",
  );
  const hollow = { ...doubling(39), node: [] };
  const towers = [...Array.from({ length: 39 }, (_, level) => doubling(level)), hollow];
  refused(
    t,
    () => fromOnnx(encodeModel({ ...model, functions: towers })),
    'ERR_MODEL',
    'the functions of the file take more than',
  );
});

const mysterious: Model = {
  inputs: [value('x', ['N', 2])],
  nodes: [
    node('Mystery', ['x', 'w'], ['a'], {}, 'first'),
    node('Mystery', ['a'], ['b'], {}, 'second'),
    node('Relu', ['b'], ['c'], {}, 'known'),
    { ...node('Relu', ['c'], ['y'], {}, 'foreign'), domain: 'elsewhere' },
  ],
  constants: [floats('w', [2], [1, 2])],
  outputs: [untyped('y')],
  declared: [value('b', ['N', 7])],
};

test('operators that are not known keep their place, their weights and the types that the file declares', (t) => {
  const graph = fromOnnx(modelBytes(mysterious));
  t.deepEqual(
    graph.nodes.map((n) => n.name),
    ['first', 'second', 'known', 'foreign'],
  );
  t.deepEqual(
    graph.nodes.map((n) => n.outputs[0]?.type.shape),
    [
      [1, 2],
      [1, 7],
      [1, 7],
      [1, 7],
    ],
  );
  t.deepEqual(
    graph.parameters.map((p) => p.name),
    ['w'],
  );
  t.deepEqual(
    unsupported(graph).map((n) => n.name),
    ['first', 'second', 'foreign'],
  );
});

/** A branch of two convolutions with a node that nobody understands between them. */
const behind = (unknown: NodeProto, channels: number): Graph =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2, 4, 4])],
      nodes: [
        unknown,
        node('Conv', ['a', 'w'], ['b'], {}, 'branch'),
        node('Relu', ['b'], ['c'], {}, 'tail'),
        node('Add', ['x', 'c'], ['y'], {}, 'sum'),
      ],
      constants: [
        floats('w', [2, channels, 1, 1], Array<number>(2 * channels).fill(0.5)),
        floats('v', [2], [1, 2]),
      ],
      outputs: [untyped('y')],
    }),
  );

test('an operator that is not known is taken to give what it takes in, and what follows is read', (t) => {
  const graph = behind(node('Mystery', ['x', 'v'], ['a'], {}, 'unknown'), 2);
  t.deepEqual(listUnsupported(graph), {
    operators: [
      { op: 'Mystery', reason: 'the operator is not known', nodes: ['unknown'], guessed: ['unknown'] },
    ],
    dependents: 0,
  });
  const { segments } = searchSpace(graph);
  t.is(segments.find(({ nodes }) => nodes[0]?.name === 'unknown')?.reason, '');
  t.deepEqual(
    segments.map(({ nodes }) => nodes.map(({ name }) => name)),
    [['unknown', 'branch', 'tail'], ['sum']],
  );
});

test('what does not fit such a guess is not understood, rather than wrong', (t) => {
  const graph = behind(node('Mystery', ['x', 'v'], ['a'], {}, 'unknown'), 8);
  t.is(listUnsupported(graph).dependents, 3);
  t.deepEqual(
    unsupported(graph).map((n) => n.op.attrs['opaque']),
    [
      'the operator is not known',
      ...['a', 'b', 'c'].map((name) => `the type of its input '${name}' is not known`),
    ],
  );
});

test('nothing is guessed of a node that reads several values, or none', (t) => {
  for (const inputs of [['x', 'x'], ['v']]) {
    const graph = behind(node('Mystery', inputs, ['a'], {}, 'unknown'), 2);
    t.deepEqual(listUnsupported(graph).operators[0]?.guessed, []);
    t.is(listUnsupported(graph).dependents, 3);
  }
});

const oddTensor = (dataType: number): TensorProto => ({
  name: 'w',
  dims: [2, 2],
  dataType,
  rawData: Uint8Array.of(0x12, 0x34),
});

for (const [what, odd, missing] of [
  ['four bits', { constants: [oddTensor(elementType.int4)] }, 'is of type int4'],
  ['eight bits of a float', { constants: [oddTensor(elementType.float8e4m3fn)] }, 'is of type float8e4m3fn'],
  ['texts', { constants: [oddTensor(elementType.string)] }, 'is of type string'],
  ['mostly zeros', { sparse: [{ values: floats('w', [1], [1]) }] }, 'is sparse'],
] as const) {
  test(`weights of ${what} stop nothing but what reads them`, async (t) => {
    const unused = fromOnnx(modelBytes({ ...plain, ...odd, nodes: [node('Relu', ['x'], ['y'])] }));
    t.notThrows(() => requireSupported(unused));
    t.deepEqual(
      [...(await runNative(unused, new Map(), noise(unused, 1)))],
      runReference(unused, new Map(), noise(unused, 1)).map((values) => Float32Array.from(values)),
    );
    const nodes = [
      node('Gemm', ['x', 'w'], ['h'], {}, 'layer'),
      node('DequantizeLinear', ['w'], ['d'], {}, 'wide'),
      node('MatMul', ['x', 'd'], ['m'], {}, 'product'),
      node('Add', ['h', 'm'], ['y'], {}, 'last'),
    ];
    const used = fromOnnx(modelBytes({ ...plain, ...odd, outputs: [untyped('y')], nodes }));
    const { operators, dependents } = listUnsupported(used);
    t.deepEqual(
      operators.map(({ op, reason, nodes }) => [op, reason, ...nodes]),
      [
        ['Gemm', `its input 'w' ${missing}, which is not read`, 'layer'],
        ['DequantizeLinear', 'the operator is not known', 'wide'],
      ],
    );
    t.is(dependents, 2);
  });
}

test('constants of odd types among the nodes stop nothing but what reads them, and are no outputs', (t) => {
  const odd = { ...oddTensor(elementType.uint4), name: '' };
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2])],
      nodes: [
        node('Constant', [], ['unused'], { value: odd }),
        node('Constant', [], ['k'], { value: odd }, 'odd'),
        node('ConstantOfShape', ['s'], ['full'], { value: odd }, 'filled'),
        node('Add', ['x', 'k'], ['h']),
        node('Add', ['h', 'full'], ['y']),
      ],
      constants: [int64s('s', [2], [1, 2])],
      outputs: [untyped('y')],
    }),
  );
  t.deepEqual(
    listUnsupported(graph).operators.map(({ reason, nodes }) => [reason, ...nodes]),
    [
      ['this form of it is not known', 'odd'],
      ['this form of it is not known', 'filled'],
    ],
  );
  refused(
    t,
    () =>
      fromOnnx(modelBytes({ nodes: [], constants: [oddTensor(elementType.int4)], outputs: [untyped('w')] })),
    'ERR_UNSUPPORTED',
    "the output 'w' is of type int4, which is not read",
  );
});

/** x through two layers; `bodies` are the branches of a choice that reads `c`. */
const choosing = (...bodies: readonly Model[]): Model => ({
  inputs: [value('x', [1, 2]), value('c', [], elementType.bool)],
  nodes: [
    node('Gemm', ['x', 'first'], ['h'], {}, 'first layer'),
    node('Gemm', ['x', 'second'], ['s'], {}, 'second layer'),
    node('If', ['c'], ['i'], Object.fromEntries(bodies.map((body, k) => [`branch${k}`, { body }])), 'choice'),
    node('Add', ['i', 's'], ['y'], {}, 'last'),
  ],
  constants: [floats('first', [2, 2], [1, 2, 3, 4]), floats('second', [2, 2], [4, 3, 2, 1])],
  declared: [value('i', [1, 2])],
  outputs: [value('y', [1, 2])],
});

/** A branch of which `nodes` are made. */
const branch = (nodes: readonly NodeProto[], output: string): Model => ({
  nodes,
  outputs: [untyped(output)],
  constants: [floats('own', [2], [1, 2])],
});

const inner = branch([node('Add', ['own', 't'], ['n']), node('Add', ['n', 'h'], ['m'])], 'm');

for (const [what, bodies] of [
  ['one branch', [branch([node('Neg', ['h'], ['a'])], 'a'), branch([node('Neg', ['own'], ['b'])], 'b')]],
  ['an output of a branch', [branch([], 'h')]],
  [
    'a branch inside a branch',
    [branch([node('Neg', ['own'], ['t']), node('If', ['c'], ['u'], { branch: { body: inner } })], 'u')],
  ],
] as const) {
  test(`what only ${what} reads stays, and cannot be removed`, (t) => {
    const graph = fromOnnx(modelBytes(choosing(...bodies)));
    const choice = graph.nodes.find(({ name }) => name === 'choice');
    t.deepEqual(
      choice?.inputs.map(({ name }) => name),
      ['c', 'first layer'],
    );
    const segment = searchSpace(graph).segments.find(({ nodes }) =>
      nodes.some(({ name }) => name === 'first layer'),
    );
    t.false(segment?.removable);
    t.regex(segment?.reason ?? '', /'choice' \(If\).* is not understood/);
  });
}

test('what a branch in a function reads is that of the call', (t) => {
  const body = branch([node('Add', ['given', 'own'], ['a'])], 'a');
  const model = modelProto({
    inputs: [value('x', [1, 2])],
    nodes: [
      node('Relu', ['x'], ['h'], {}, 'before'),
      { ...node('Chosen', ['x', 'h'], ['y'], {}, 'call'), domain: 'own' },
    ],
    declared: [value('y', [1, 2])],
    outputs: [value('y', [1, 2])],
  });
  const chosen: FunctionProto = {
    name: 'Chosen',
    domain: 'own',
    input: ['c', 'given'],
    output: ['i'],
    attribute: [],
    attributeProto: [],
    node: [node('If', ['c'], ['i'], { branch: { body } }, 'choice')],
  };
  const graph = fromOnnx(encodeModel({ ...model, functions: [chosen] }));
  t.deepEqual(
    graph.nodes.map(({ name, inputs }) => [name, ...inputs.map((input) => input.name)]),
    [
      ['before', 'x'],
      ['call/choice', 'x', 'before'],
    ],
  );
});

test('bodies without end are refused, and those that are none', (t) => {
  let body = branch([], 'h');
  for (let depth = 0; depth < 100; depth++)
    body = branch([node('If', ['c'], ['a'], { branch: { body } })], 'a');
  refused(t, () => fromOnnx(modelBytes(choosing(body))), 'ERR_MODEL', 'is more than 64 bodies deep');
  const broken = { name: 'g', g: Uint8Array.of(0x0a, 0x7f) };
  const model = modelProto({
    ...plain,
    nodes: [{ ...node('If', ['x'], ['y']), attribute: [broken] }],
  });
  refused(t, () => fromOnnx(encodeModel(model)), 'ERR_MODEL', 'a graph in a node: 2 bytes do not decode');
});

/** [1, 8] in the axes of `shape` and back. */
const through = (shape: Shape) =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 8])],
      nodes: [
        node('Reshape', ['x', 'more'], ['a'], {}, 'apart'),
        node('Relu', ['a'], ['b'], {}, 'between'),
        node('Reshape', ['b', 'less'], ['y'], {}, 'together'),
      ],
      constants: [int64s('more', [shape.length], shape), int64s('less', [2], [1, 8])],
      outputs: [value('y', [1, 8])],
    }),
  );

test('what has more axes than can run is listed with what cannot, at the first node that makes it', (t) => {
  const eight = [1, 2, 2, 2, 1, 1, 1, 1];
  t.notThrows(() => compileInference(through(eight), { batch: 1 }));
  t.deepEqual(listUnsupported(through([...eight, 1])), {
    operators: [
      {
        op: 'Reshape',
        reason: 'it makes or reads a tensor of 9 axes, more than 8',
        nodes: ['apart'],
        guessed: [],
      },
    ],
    dependents: 2,
  });
});

test('running a network with operators that are not known is refused with a list of them', (t) => {
  const graph = fromOnnx(modelBytes(mysterious));
  const expected = [
    '3 of 4 nodes have operators that cannot run here:',
    "  2 x Mystery (the operator is not known): 'first', 'second'",
    "  1 x Relu (operators of 'elsewhere' are not known): 'foreign'",
  ].join('\n');
  refused(t, () => requireSupported(graph), 'ERR_UNSUPPORTED', expected);
  t.notThrows(() => requireSupported(branchy()));
});

test('nodes that could be read but for one before them are counted, not listed', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', ['N', 2])],
      nodes: [
        node('Mystery', ['w'], ['sizes'], {}, 'unknown'),
        node('Add', ['sizes', 'sizes'], ['twice'], {}, 'of integers'),
        node('Equal', ['twice', 'w'], ['equal'], {}, 'not folded'),
        node('Reshape', ['x', 'sizes'], ['a'], {}, 'shaped'),
        node('Shape', ['a'], ['b'], {}, 'untyped'),
        node('Equal', ['x', 'x'], ['c'], {}, 'computed'),
        node('Secret', ['b', 'c', 'equal'], ['y'], {}, 'unknown too'),
      ],
      constants: [int64s('w', [2], [1, 2])],
      outputs: [untyped('y')],
      declared: [value('sizes', [2], elementType.int64)],
    }),
  );
  const expected = [
    '3 of 7 nodes have operators that cannot run here:',
    "  1 x Mystery (the operator is not known): 'unknown'",
    "  1 x Equal (it is computed on constants only): 'computed'",
    "  1 x Secret (the operator is not known): 'unknown too'",
    '  and 4 that depend on these',
  ].join('\n');
  const error = t.throws(() => requireSupported(graph), { instanceOf: HalfspaceError });
  t.is(error?.message, expected);
});

function refused(t: ExecutionContext, act: () => unknown, code: ErrorCode, message: string): void {
  const error = t.throws(act, { instanceOf: HalfspaceError });
  t.is(error?.code, code);
  t.true(error?.message.includes(message), error?.message);
}

const adding = (constant: TensorProto): Model => ({
  ...plain,
  nodes: [node('Add', ['x', 'c'], ['y'])],
  constants: [constant],
});

/** Type numbers of the file to what is said about them. */
function notes(input: number, weight: number): readonly string[] {
  const told: string[] = [];
  const contents = { name: 'w', dims: [2, 2], dataType: weight, rawData: new Uint8Array(32) };
  const bytes = modelBytes({
    inputs: [value('x', [1, 2], input)],
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    constants: [weight === elementType.double ? contents : floats('w', [2, 2], [1, 2, 3, 4])],
    outputs: [untyped('y')],
  });
  const graph = fromOnnx(bytes, { note: (text) => told.push(text) });
  return [...told, ...unsupported(graph).map((n) => n.op.attrs['opaque'] as string)];
}

test('what is not in single precision is said to become so, and integers are no images', (t) => {
  const { float, float16, double, int64 } = elementType;
  t.deepEqual(notes(float, float), []);
  t.deepEqual(notes(float16, double), [
    "not in single precision in the file, but computed so: 'x' (float16), 'w' (double)",
  ]);
  t.deepEqual(notes(int64, float), ["its input 'x' holds integers"]);
});

/** What one node makes of integers, and what is said about it. */
function ofIntegers(made: NodeProto, constant: TensorProto): readonly unknown[] {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 4], elementType.int32)],
      nodes: [made],
      constants: [constant],
      outputs: [untyped('y', elementType.int32)],
    }),
  );
  return unsupported(graph).map(({ op }) => op.attrs['opaque']);
}

test('what computes on integers is not known, rather than damage', (t) => {
  const twos = { name: 'k', dims: [4], dataType: elementType.int32, int32Data: [2, 2, 2, 2] };
  for (const [opType, constant] of [
    ['Relu', null],
    ['Mul', twos],
    ['Greater', twos],
    ['Unsqueeze', int64s('k', [1], [1])],
    ['Reshape', int64s('k', [2], [2, 2])],
  ] as const) {
    const made = node(opType, constant ? ['x', 'k'] : ['x'], ['y']);
    t.deepEqual(ofIntegers(made, constant ?? twos), ["its input 'x' holds integers"], opType);
  }
});

/** An image of numbers from 0 to 255, made floats and scaled before anything else. */
const bytesOf = (type: number): Uint8Array =>
  modelBytes({
    inputs: [value('x', ['N', 2, 3, 3], type)],
    nodes: [
      node('Cast', ['x'], ['f'], { to: elementType.float }),
      node('Div', ['f', 'most'], ['scaled']),
      node('Conv', ['scaled', 'w'], ['y']),
    ],
    constants: [floats('most', [], [255]), floats('w', [1, 2, 1, 1], [0.5, -2])],
    outputs: [untyped('y')],
  });

test('an image of integers that the file makes floats of is one of floats, which is said', async (t) => {
  const told: string[] = [];
  const graph = fromOnnx(bytesOf(elementType.uint8), { note: (text) => told.push(text) });
  t.deepEqual(told, ["not in single precision in the file, but computed so: 'x' (uint8)"]);
  t.deepEqual(
    graph.inputs.map(({ type }) => type),
    [{ dtype: 'f32', shape: [1, 2, 3, 3] }],
  );
  const data = Float32Array.from({ length: 2 * 18 }, (_, index) => (index * 37) % 256);
  const contents = { x: { shape: [2, 2, 3, 3], data } };
  const [expected] = await runOnnx(bytesOf(elementType.float), contents);
  const [actual] = runReference(graph, initialWeights(graph, 0), contents);
  t.true(relativeDifference(actual ?? [], expected ?? []) < 1e-6);
});

/** The type of an input of integers of which floats are made, beside another node and output. */
const typeBeside = (more: NodeProto, output: ValueInfoProto): string | undefined =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2], elementType.int64)],
      nodes: [node('Cast', ['x'], ['f'], { to: elementType.float }), more],
      outputs: [untyped('f'), output],
    }),
  ).inputs[0]?.type.dtype;

test('integers that are also read as such, or given, stay integers', (t) => {
  const { int64 } = elementType;
  t.is(typeBeside(node('Neg', ['x'], ['y']), untyped('y', int64)), 'i32');
  t.is(typeBeside(node('Neg', ['f'], ['y']), untyped('x', int64)), 'i32');
  t.is(typeBeside(node('Neg', ['f'], ['y']), untyped('y')), 'f32');
});

const flatten = (axis: number): Graph =>
  fromOnnx(
    modelBytes({
      inputs: [value('x', [1, 2, 3])],
      nodes: [node('Flatten', ['x'], ['y'], { axis })],
      outputs: [untyped('y')],
    }),
  );

/** What is said of a network of two dropouts. */
const dropoutNotes = (training: number): readonly string[] => {
  const found: string[] = [];
  const model = modelBytes({
    inputs: [value('x', [1, 2])],
    nodes: [
      node('Dropout', ['x', '', 'training'], ['a'], {}, 'first'),
      node('Relu', ['a'], ['b']),
      node('Dropout', ['b', 'ratio', 'training'], ['y'], {}, 'second'),
    ],
    constants: [booleans('training', [], [training]), floats('ratio', [], [0.5])],
    outputs: [value('y', [1, 2])],
  });
  fromOnnx(model, { note: (text) => found.push(text) });
  return found;
};

test('dropout in training mode is said to be passed through, at inference it is without a word', (t) => {
  t.deepEqual(dropoutNotes(0), []);
  t.deepEqual(dropoutNotes(1), [
    "Dropout that the file has for training is passed through: 'first', 'second'",
  ]);
});

test('an axis that does not exist is refused by the shape that the input has', (t) => {
  refused(t, () => flatten(99), 'ERR_MODEL', "Flatten 'Flatten_0': axis 99 does not exist in [1,2,3]");
  const shapes = [3, -1].map((axis) => flatten(axis).outputs[0]?.type.shape);
  t.deepEqual(shapes, [
    [6, 1],
    [2, 3],
  ]);
});

/** Cuts `x` by lists of starts, ends, axes and steps. */
const sliceModel = (...lists: readonly (readonly number[])[]): Uint8Array =>
  modelBytes({
    ...plain,
    nodes: [node('Slice', ['x', ...lists.map((_, k) => `list${k}`)], ['y'])],
    constants: lists.map((list, k) => int64s(`list${k}`, [list.length], list)),
  });

/** A field of bytes, their number in three groups of seven bits. */
function behindLength(tag: number, bytes: readonly number[]): readonly number[] {
  const length = [0, 7, 14].map((shift) => ((bytes.length >> shift) & 0x7f) | (shift < 14 ? 0x80 : 0));
  return [tag, ...length, ...bytes];
}

/** A file with one initializer, whose fields are these bytes. */
const initializerBytes = (fields: readonly number[]): Uint8Array =>
  Uint8Array.from(behindLength(0x3a, behindLength(0x2a, fields)));

const bad: readonly (readonly [string, Uint8Array, string])[] = [
  ['an empty file', new Uint8Array(), 'not an ONNX model: it has no graph'],
  ['text', new TextEncoder().encode('<html>nothing here</html>'), 'not an ONNX model'],
  ['a model without outputs', modelBytes({ ...plain, outputs: [] }), 'the model has no output'],
  [
    'a model without operator set',
    encodeModel({ ...modelProto(plain), opsetImport: [] }),
    'does not say which version of the ONNX operators',
  ],
  [
    'a node without operator',
    modelBytes({ ...plain, nodes: [node('', ['x'], ['y'])] }),
    "node 0 '' has no operator",
  ],
  [
    'a node that reads nothing that exists',
    modelBytes({ ...plain, nodes: [node('Relu', ['ghost'], ['y'])] }),
    "node 'Relu_0' reads 'ghost', which nothing in the file defines",
  ],
  [
    'an output that nothing makes',
    modelBytes({ ...plain, outputs: [value('z', [1])] }),
    "nothing in the file defines the output 'z'",
  ],
  [
    'a value that is made twice',
    modelBytes({ ...plain, nodes: [node('Relu', ['x'], ['y']), node('Tanh', ['x'], ['y'])] }),
    "node 'Tanh_1' defines 'y', which is defined already",
  ],
  [
    'a cycle',
    modelBytes({
      ...plain,
      nodes: [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['y'])],
    }),
    "node 'Add_0' is on or behind a cycle",
  ],
  [
    'an input that is no tensor',
    modelBytes({ ...plain, inputs: [{ name: 'x' }] }),
    "input 'x' is not a tensor",
  ],
  [
    'an input of texts',
    modelBytes({ ...plain, inputs: [value('x', [1, 2], elementType.string)] }),
    "input 'x': element type string is not supported",
  ],
  [
    'an input that is there twice',
    modelBytes({ ...plain, inputs: [value('x', [1, 2]), value('x', [1, 2])] }),
    "input 'x' is there twice",
  ],
  [
    'an input without a shape',
    modelBytes({ ...plain, inputs: [{ name: 'x', type: { tensorType: { elemType: elementType.float } } }] }),
    "input 'x' has no shape; give it with --input C,H,W (inspect, construct), or in code with shapes: {'x': [...]}",
  ],
  [
    'an image of open height',
    modelBytes({ ...plain, inputs: [value('x', ['N', 3, 'H', 8])] }),
    "of axis 2 ('H') open; give it with --input C,H,W (inspect, construct), or in code with shapes: {'x': [...]}",
  ],
  [
    'an input of open length that is no image',
    modelBytes({ ...plain, inputs: [value('x', ['N', 'T', 5])] }),
    "input 'x' leaves the size of axis 1 ('T') open; give it in code with shapes: {'x': [...]}",
  ],
  [
    'an input beyond all memory',
    modelBytes({ ...plain, inputs: [value('x', [1, 2 ** 40, 2 ** 40])] }),
    'is not one a tensor can have',
  ],
  [
    'an input without elements',
    modelBytes({ ...plain, inputs: [value('x', [1, 0])] }),
    "input 'x' leaves the size of axis 1 open",
  ],
  [
    'a constant with too few elements',
    modelBytes(adding(floats('c', [3], [1, 2]))),
    "tensor 'c': shape [3] takes 3 elements but there are 2",
  ],
  [
    'a constant with too few bytes',
    modelBytes(adding({ name: 'c', dims: [2], dataType: 1, rawData: new Uint8Array(7) })),
    "tensor 'c': shape [2] takes 8 bytes but there are 7",
  ],
  [
    'a constant beyond all memory',
    modelBytes(adding(floats('c', [2 ** 40], []))),
    "tensor 'c': shape [1099511627776] is not one a tensor can have",
  ],
  [
    'a constant of negative size',
    modelBytes(adding(floats('c', [-1], []))),
    "tensor 'c': shape [-1] is not one a tensor can have",
  ],
  [
    'a constant of unknown type',
    modelBytes(adding({ name: 'c', dims: [1], dataType: 99 })),
    "tensor 'c': element type number 99 is not supported",
  ],
  [
    'a constant that is there twice',
    modelBytes({ ...plain, constants: [floats('c', [0], []), floats('c', [0], [])] }),
    "initializer 'c' is there twice",
  ],
  [
    'shapes that do not fit',
    modelBytes(adding(floats('c', [3], [1, 2, 3]))),
    "Add 'Add_0': [1,2] and [3] do not broadcast",
  ],
  [
    'an attribute of another type',
    modelBytes({ ...plain, nodes: [node('LeakyRelu', ['x'], ['y'], { alpha: 'steep' })] }),
    "LeakyRelu 'LeakyRelu_0' attribute 'alpha' should be of type float but has type string",
  ],
  [
    'a missing attribute',
    modelBytes({ ...plain, nodes: [node('Concat', ['x', 'x'], ['y'])] }),
    "Concat 'Concat_0' has no attribute 'axis'",
  ],
  [
    'a missing input',
    modelBytes({ ...plain, nodes: [node('Elu', [], ['y'])] }),
    "Elu 'Elu_0' has no input 0",
  ],
  [
    'a constant of more axes than anything has',
    modelBytes(
      adding(
        floats(
          'c',
          Array.from({ length: 10_000 }, () => 1),
          [1],
        ),
      ),
    ),
    "tensor 'c': 10000 axes are more than 64",
  ],
  [
    'a computed shape of more axes than anything has',
    modelBytes({
      ...plain,
      nodes: [
        node('ConstantOfShape', ['s'], ['ones'], { value: int64s('', [1], [1]) }),
        node('Reshape', ['one', 'ones'], ['y']),
      ],
      constants: [int64s('s', [1], [10_000]), floats('one', [1], [1])],
    }),
    '10000 axes are more than 64',
  ],
  [
    'a target shape of zero elements',
    modelBytes({ ...plain, nodes: [node('Reshape', ['x', 's'], ['y'])], constants: [int64s('s', [1], [5])] }),
    "Reshape 'Reshape_0': [1,2] does not reshape to [5]",
  ],
  ['a slice that does not move', sliceModel([0], [2], [1], [0]), "Slice 'Slice_0': a slice with step 0"],
  [
    'a slice whose lists differ in length',
    sliceModel([0, 0], [2], [1], [1]),
    "Slice 'Slice_0': 2 starts, 1 ends, 1 axes and 1 steps",
  ],
  [
    'a slice of a constant whose lists differ in length',
    modelBytes({
      ...plain,
      nodes: [node('Slice', ['c', 'starts', 'ends'], ['s']), node('Reshape', ['x', 's'], ['y'])],
      constants: [int64s('c', [2], [1, 2]), int64s('starts', [2], [0, 0]), int64s('ends', [1], [2])],
    }),
    "'Slice_0': 2 starts, 1 ends, 2 axes and 2 steps",
  ],
  [
    'a length of more bytes than a number of 32 bits can say',
    initializerBytes([0x4a, 0x82, 0x80, 0x80, 0x80, 0x10, 1, 2]),
    'not an ONNX model',
  ],
];

test('a list in many packed pieces is read in time that grows with it', (t) => {
  const pieces = Array.from({ length: 100_000 }, () => [0x0a, 1, 1]).flat();
  t.is(decodeModel(initializerBytes(pieces)).graph?.initializer[0]?.dims.length, 100_000);
});

for (const [what, bytes, message] of bad) {
  test(`${what} is refused`, (t) => refused(t, () => fromOnnx(bytes), 'ERR_MODEL', message));
}

test('what takes elements in no order takes memory when it runs, not when it is read', (t) => {
  const size = 2048;
  const order = Array.from({ length: size }, (_, index) => (index * 1021) % size);
  const names = ['x', 'a', 'b', 'c', 'd', 'y'];
  const bytes = modelBytes({
    inputs: [value('x', ['N', size])],
    nodes: names
      .slice(1)
      .map((name, index) => node('Gather', [names[index] ?? '', 'i'], [name], { axis: 1 })),
    constants: [int64s('i', [size], order)],
    outputs: [untyped('y')],
  });
  const before = process.memoryUsage().arrayBuffers;
  const { parameters } = fromOnnx(bytes);
  // One matrix takes 4 bytes for each of its elements.
  t.true(process.memoryUsage().arrayBuffers - before < 4 * size * size);
  t.deepEqual(
    parameters.map(({ type }) => type.shape),
    Array.from({ length: 5 }, () => [size, size]),
  );
});

test('an operator set that is too old is refused as such', (t) => {
  const message = 'uses version 7 of the ONNX operators, this library reads 11 to 24';
  refused(t, () => fromOnnx(modelBytes({ ...plain, opset: 7 })), 'ERR_UNSUPPORTED', message);
});

const external = (location: string, more: Readonly<Record<string, string>> = {}): TensorProto => ({
  name: 'c',
  dims: [2],
  dataType: elementType.float,
  dataLocation: 1,
  externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })),
});

/** A folder with weights in it, one beside it, and a link from the one to the other. */
function folders(t: ExecutionContext): string {
  const root = mkdtempSync(join(tmpdir(), 'halfspace-import-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const inside = join(root, 'model');
  mkdirSync(inside);
  const weights = Buffer.from(Float32Array.of(9, 1.5, -2).buffer);
  writeFileSync(join(inside, 'weights.bin'), weights);
  writeFileSync(join(root, 'secret.bin'), weights);
  symlinkSync(join(root, 'secret.bin'), join(inside, 'link.bin'));
  if (process.platform !== 'win32') execFileSync('mkfifo', [join(inside, 'pipe.bin')]);
  return inside;
}

const importing = (tensor: TensorProto, options: ImportOptions) =>
  fromOnnx(modelBytes(adding(tensor)), options);

test('weights beside the model are read from the offset that it gives', (t) => {
  const graph = importing(external('weights.bin', { offset: '4', length: '8' }), { directory: folders(t) });
  t.deepEqual([...(initialWeights(graph, 0).get('c') ?? [])], [1.5, -2]);
});

for (const [what, tensor, message] of [
  [
    'above the folder',
    external('../secret.bin'),
    "external data in '../secret.bin', which leaves the model's folder",
  ],
  [
    'behind a link that leaves the folder',
    external('link.bin'),
    "external data in 'link.bin', which leaves the model's folder",
  ],
  [
    'at an absolute path',
    external('/etc/passwd'),
    "external data in '/etc/passwd', which is not a path inside the model's folder",
  ],
  ['nowhere', external(''), 'which is not a path inside'],
  ['in a file that does not exist', external('none.bin'), "in 'none.bin': no such file or directory"],
  ['beyond the end', external('weights.bin', { offset: '8' }), 'has 12 bytes but 8 + 8 are read'],
  ['at a negative offset', external('weights.bin', { offset: '-4' }), 'external data at offset -4, which'],
  [
    'of another length',
    external('weights.bin', { length: '4' }),
    'takes 8 bytes but its external data has 4',
  ],
  ['in the folder itself', external('.'), "in '.': it is not a file"],
  ['in a pipe', external('pipe.bin'), "in 'pipe.bin': "],
] as const) {
  test(`external data ${what} is refused`, (t) => {
    refused(t, () => importing(tensor, { directory: folders(t) }), 'ERR_MODEL', message);
  });
}

test('external data without a folder to look in is refused', (t) => {
  const message = "its contents are in the file 'weights.bin', but no directory was given";
  refused(t, () => importing(external('weights.bin'), {}), 'ERR_MODEL', message);
});

/** A graph or an error of ours that is no mistake of ours; anything else fails. */
function survives(bytes: Uint8Array): boolean {
  try {
    return fromOnnx(bytes).outputs.length > 0;
  } catch (error) {
    return error instanceof HalfspaceError && error.code !== 'ERR_INTERNAL';
  }
}

const victim = toOnnx(branchy(), initialWeights(branchy(), 1));
const shapely = modelBytes({
  inputs: [value('x', ['N', 2, 3, 4])],
  nodes: [
    node('Shape', ['x'], ['s']),
    node('Slice', ['s', 'zero', 'one'], ['n']),
    node('ConstantOfShape', ['n'], ['f'], { value: int64s('', [1], [24]) }),
    node('Concat', ['n', 'f'], ['target'], { axis: 0 }),
    node('Split', ['x'], ['l', 'r'], { axis: 1 }),
    node('MaxPool', ['l'], ['p'], { kernel_shape: [2, 2], pads: [0, 1, 1, 0] }),
    node('Resize', ['p', '', 'scales'], ['z']),
    node('SplitToSequence', ['x', 'one'], ['parts'], { axis: 1 }),
    node('SequenceAt', ['parts', 'zero'], ['part']),
    node('Reshape', ['x', 'target'], ['y']),
  ],
  constants: [int64s('zero', [1], [0]), int64s('one', [1], [1]), floats('scales', [4], [1, 1, 2, 2])],
  outputs: [value('y', ['N', 24]), untyped('z'), untyped('r')],
});

test('a file whose bytes are changed at random gives a network or an error, never a crash', (t) => {
  t.true(survives(shapely) && survives(victim));
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.boolean(), fc.array(change, { minLength: 1, maxLength: 8 }), (big, changes) => {
      const bytes = Uint8Array.from(big ? victim : shapely);
      for (const [position, byte] of changes) bytes[position % bytes.length] = byte;
      return survives(bytes);
    }),
    { numRuns: 1000, seed: 7 },
  );
  t.pass();
});

test('a file that ends early gives a network or an error, never a crash', (t) => {
  for (let length = 0; length < shapely.length; length++)
    t.true(survives(shapely.subarray(0, length)), `${length}`);
  for (let length = 0; length < victim.length; length += 37)
    t.true(survives(victim.subarray(0, length)), `${length}`);
});

test('a file whose sizes are made absurd gives a network or an error, never a crash', (t) => {
  const model = modelProto({ ...plain, ...adding(floats('c', [2], [1, 2])) });
  for (const size of [-1, 0, 2 ** 31, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
    const nodes = [
      node('MaxPool', ['x'], ['y'], {
        kernel_shape: [size, size],
        strides: [size, 1],
        pads: [size, 0, 0, size],
      }),
      node('Expand', ['c', 's'], ['y']),
      node('ConstantOfShape', ['s'], ['y']),
      node('Reshape', ['x', 's'], ['y']),
      node('Conv', ['x', 'c'], ['y'], {
        pads: [size, size, size, size],
        dilations: [size, size],
        group: size,
      }),
      node('Resize', ['x', '', '', 's'], ['y']),
      node('Pad', ['x', 's'], ['y']),
      node('Range', ['s', 's', 's'], ['y']),
    ];
    for (const n of nodes) {
      const constants = [floats('c', [1, 1, 1, 1], [1]), int64s('s', [2], [size, size])];
      const graph = graphProto({ ...plain, inputs: [value('x', [1, 1, 4, 4])], nodes: [n], constants });
      t.true(survives(encodeModel({ ...model, graph })), `${n.opType} of ${size}`);
    }
  }
});
