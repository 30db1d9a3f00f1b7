// The public builder: what each layer makes of shapes, names and first weights.

import test from 'ava';
import fc from 'fast-check';
import {
  countMacs,
  countParameters,
  print,
  verified,
  type Graph,
  type Parameter,
  type Value,
} from '../lib/graph.js';
import { Network } from '../lib/network.js';
import * as ops from '../lib/ops/index.js';
import type { Shape } from '../lib/shape.js';

test('a network prints one line a layer, with parameters named as in PyTorch', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 3, 8, 8]);
  const stem = net.relu(net.batchNorm(net.conv(image, 4, { bias: false, name: 'stem' })));
  const half = net.maxPool(stem);
  const joined = net.concat([stem, net.resize(half, { scale: 2 })]);
  const features = net.flatten(net.globalAveragePool(joined));
  const graph = net.graph([net.linear(features, 10, { name: 'classifier' })]);
  t.is(
    print(graph),
    `input %image: f32[1,3,8,8]
parameter %stem.weight: f32[4,3,3,3]
parameter %bn.weight: f32[4]
parameter %bn.bias: f32[4]
constant %bn.running_mean: f32[4]
constant %bn.running_var: f32[4]
parameter %classifier.weight: f32[10,8]
parameter %classifier.bias: f32[10]
%stem: f32[1,4,8,8] = Conv(%image, %stem.weight) {strides=[1,1], padding=[1,1,1,1], dilations=[1,1], groups=1}
%bn: f32[1,4,8,8], %bn:1: f32[4], %bn:2: f32[4] = BatchNorm(%stem, %bn.weight, %bn.bias, %bn.running_mean, %bn.running_var) {epsilon=0.00001, momentum=0.1}
%relu: f32[1,4,8,8] = Relu(%bn)
%maxpool: f32[1,4,4,4] = MaxPool(%relu) {kernel=[2,2], strides=[2,2], padding=[0,0,0,0], dilations=[1,1], ceil=false}
%resize: f32[1,4,8,8] = Resize(%maxpool) {scales=[2,2], mode=nearest, coordinates=asymmetric}
%concat: f32[1,8,8,8] = Concat(%relu, %resize) {axis=1}
%globalaveragepool: f32[1,8,1,1] = GlobalAveragePool(%concat)
%flatten: f32[1,8] = Flatten(%globalaveragepool)
%classifier: f32[1,10] = Linear(%flatten, %classifier.weight, %classifier.bias)
return %classifier
`,
  );
  t.is(countParameters(graph), 4 * 27 + 8 + 90);
  t.is(countMacs(graph), 8 * 8 * 4 * 27 + 80);
});

test('convolutions start with the variance of their fan-out, biases at zero', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 8, 4, 4]);
  const graph = net.graph([net.conv(image, 16, { kernel: [3, 5], groups: 4 })]);
  t.deepEqual(inits(graph.parameters), [
    ['conv.weight', { kind: 'normal', deviation: Math.sqrt(2 / ((16 / 4) * 15)) }],
    ['conv.bias', { kind: 'constant', value: 0 }],
  ]);
});

test('linear layers start uniform within one over the root of their inputs', (t) => {
  const net = new Network();
  const graph = net.graph([net.linear(net.input('x', [1, 25]), 3)]);
  t.deepEqual(inits(graph.parameters), [
    ['linear.weight', { kind: 'uniform', bound: 0.2 }],
    ['linear.bias', { kind: 'uniform', bound: 0.2 }],
  ]);
});

test('batch normalisation starts as the identity of normalised inputs and trains scale and bias', (t) => {
  const net = new Network();
  const graph = net.graph([net.batchNorm(net.input('x', [1, 2, 4, 4]))]);
  t.deepEqual(
    graph.parameters.map((p) => [p.name, p.trainable, p.init]),
    [
      ['bn.weight', true, { kind: 'constant', value: 1 }],
      ['bn.bias', true, { kind: 'constant', value: 0 }],
      ['bn.running_mean', false, { kind: 'constant', value: 0 }],
      ['bn.running_var', false, { kind: 'constant', value: 1 }],
    ],
  );
});

test('layers of one name are told apart, and so are their parameters', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 2, 4, 4]);
  const first = net.conv(image, 2, { name: 'branch', bias: false });
  const graph = net.graph([net.conv(first, 2, { name: 'branch', bias: false })]);
  t.deepEqual(
    graph.parameters.map((p) => p.name),
    ['branch.weight', 'branch_2.weight'],
  );
});

test('a parameter may be shared by several nodes', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 2, 4, 4]);
  const weight = net.parameter('shared', [2, 2, 1, 1], { kind: 'normal', deviation: 1 });
  const once = net.apply(ops.conv(), [image, weight]);
  const graph = net.graph([net.apply(ops.conv(), [once, weight])]);
  t.is(graph.parameters.length, 1);
  t.true(graph.nodes.every((node) => node.inputs[1] === weight));
});

test('`same` padding keeps ceil(size / stride) of every size, kernel and dilation', (t) => {
  const size = fc.integer({ min: 9, max: 20 });
  const small = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(size, small, small, small, (height, kernel, stride, dilation) => {
      const net = new Network();
      const image = net.input('image', [1, 1, height, height + 1]);
      const y = net.conv(image, 1, { kernel, stride, dilation });
      t.deepEqual(y.type.shape, [1, 1, Math.ceil(height / stride), Math.ceil((height + 1) / stride)]);
    }),
  );
});

test('an even extent pads more at the bottom and right', (t) => {
  const net = new Network();
  const graph = net.graph([net.conv(net.input('image', [1, 1, 8, 8]), 1, { kernel: 2, dilation: 3 })]);
  t.deepEqual(graph.nodes[0]?.op.attrs['padding'], [1, 1, 2, 2]);
});

const layers: readonly (readonly [string, Shape, (net: Network, x: Value) => Value, Shape])[] = [
  ['sigmoid', [1, 2, 3, 4], (net, x) => net.sigmoid(x), [1, 2, 3, 4]],
  ['silu', [1, 2, 3, 4], (net, x) => net.silu(x), [1, 2, 3, 4]],
  ['gelu', [1, 2, 3, 4], (net, x) => net.gelu(x), [1, 2, 3, 4]],
  ['hardSwish', [1, 2, 3, 4], (net, x) => net.hardSwish(x), [1, 2, 3, 4]],
  ['a gate', [1, 2, 3, 4], (net, x) => net.multiply(x, net.globalAveragePool(x)), [1, 2, 3, 4]],
  ['add', [1, 2, 3, 4], (net, x) => net.add([x, x, x]), [1, 2, 3, 4]],
  ['concat along another axis', [1, 2, 3, 4], (net, x) => net.concat([x, x], { axis: 2 }), [1, 2, 6, 4]],
  [
    'max pooling',
    [1, 2, 7, 7],
    (net, x) => net.maxPool(x, { kernel: 3, stride: 2, padding: 1, dilation: [1, 2] }),
    [1, 2, 4, 3],
  ],
  ['average pooling', [1, 2, 7, 7], (net, x) => net.averagePool(x, { kernel: 2, ceil: true }), [1, 2, 4, 4]],
  ['resizing to a size', [1, 2, 3, 4], (net, x) => net.resize(x, { size: [7, 5] }), [1, 2, 7, 5]],
  ['resizing by factors', [1, 2, 3, 4], (net, x) => net.resize(x, { scale: [2, 0.5] }), [1, 2, 6, 2]],
  ['cropping', [1, 2, 5, 6], (net, x) => net.crop(x, { top: 1, right: 2 }), [1, 2, 4, 4]],
  ['squeezing', [1, 2, 1, 1], (net, x) => net.squeeze(net.squeeze(x, 3), 2), [1, 2]],
  ['reshaping', [1, 2, 3, 4], (net, x) => net.reshape(x, [0, -1, 2]), [1, 12, 2]],
  ['flattening', [1, 2, 3, 4], (net, x) => net.flatten(x), [1, 24]],
];

for (const [what, from, layer, to] of layers) {
  test(`${what} takes [${from.join()}] to [${to.join()}]`, (t) => {
    const net = new Network();
    t.deepEqual(layer(net, net.input('x', from)).type.shape, to);
  });
}

test('linear resizing looks at pixel centres as PyTorch does', (t) => {
  const net = new Network();
  const graph = net.graph([net.resize(net.input('x', [1, 1, 2, 2]), { scale: 2, mode: 'linear' })]);
  t.is(graph.nodes[0]?.op.attrs['coordinates'], 'half_pixel');
});

test('channels that do not fall into groups are named with the layer', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 5, 4, 4]);
  t.throws(() => net.conv(image, 4, { groups: 2, name: 'grouped' }), {
    code: 'ERR_SHAPE',
    message: "Conv 'grouped': 5 channels do not fall into 2 groups",
  });
});

test('sizes that no tensor can have are refused where they are asked for', (t) => {
  const net = new Network();
  const [image, features] = [net.input('image', [1, 3, 4, 4]), net.input('features', [1, 3])];
  const wrong: readonly (readonly [layer: () => unknown, what: string])[] = [
    [() => net.conv(image, 2.25, { name: 'narrow' }), "'narrow.weight': .*, got [2.25,3,3,3]"],
    [() => net.conv(image, 8, { kernel: 0, name: 'flat' }), "'flat.weight': .*, got [8,3,0,0]"],
    [() => net.linear(features, -1, { name: 'head' }), "'head.weight': .*, got [-1,3]"],
    [() => net.input('picture', [1, 3, 7.5, 7]), "'picture': .*, got [1,3,7.5,7]"],
  ];
  for (const [layer, what] of wrong) {
    const message = what.replace('.*', 'expected sizes that are whole numbers from 1');
    t.throws(layer, { code: 'ERR_SHAPE', message });
  }
});

test('windows of sizes that are none are refused', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 3, 8, 8]);
  const wrong: readonly (readonly [layer: () => unknown, what: string])[] = [
    [
      () => net.maxPool(image, { kernel: 1.5, stride: 1 }),
      'kernel: expected whole numbers from 1, got 1.5, 1.5',
    ],
    [() => net.averagePool(image, { stride: -1 }), 'strides: expected whole numbers from 1, got -1, -1'],
    [() => net.conv(image, 4, { stride: [1, 0] }), 'strides: expected whole numbers from 1, got 1, 0'],
    [() => net.conv(image, 4, { dilation: 0 }), 'dilations: expected whole numbers from 1, got 0, 0'],
    [() => net.conv(image, 4, { padding: -1 }), 'padding: expected whole numbers from 0, got -1, -1, -1, -1'],
  ];
  for (const [layer, what] of wrong) {
    const error = t.throws(layer, { code: 'ERR_SHAPE' });
    t.true(error?.message.includes(what), error?.message);
  }
});

test('resizing asks for one of scale and size', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 1, 4, 4]);
  const expected = { code: 'ERR_OPTION', message: "resize of 'image': give either a scale or a size" };
  t.throws(() => net.resize(image, {}), expected);
  t.throws(() => net.resize(image, { scale: 2, size: 8 }), expected);
});

const inits = (parameters: readonly Parameter[]) => parameters.map((p) => [p.name, p.init]);

test('a node written by hand is held to what its operator gives', (t) => {
  const net = new Network();
  const graph = net.graph([net.relu(net.input('x', [2, 3]))]);
  const [node] = graph.nodes;
  const wrong = { ...node, outputs: [{ ...node?.outputs[0], type: { dtype: 'f32', shape: [2, 4] } }] };
  const nodes = [wrong] as unknown as Graph['nodes'];
  t.throws(() => verified({ ...graph, nodes, outputs: nodes[0]?.outputs ?? [] }), {
    code: 'ERR_GRAPH',
    message: "node 'relu' says f32[2,4], its operator gives f32[2,3]",
  });
});

/** What a caller without types may pass. */
const wrong = (value: unknown): never => value as never;

test('what is no value of a network is refused by the layer that got it', (t) => {
  const net = new Network();
  const image = net.input('image', [1, 5, 4, 4]);
  const refuses = (make: () => unknown, message: string): void =>
    void t.throws(make, { code: 'ERR_OPTION', message });
  refuses(() => net.graph(wrong(image)), "graph: expected a list of values, got the value 'image' alone");
  refuses(() => net.graph(wrong(undefined)), 'graph: expected a list of values, got undefined');
  refuses(() => net.graph([wrong(undefined)]), 'graph: expected a value of a network, got undefined');
  refuses(
    () => net.add(wrong(image), { name: 'join' }),
    "join: expected a list of values, got the value 'image' alone",
  );
  refuses(() => net.relu(wrong('image')), 'Relu: expected a value of a network, got string');
  refuses(() => net.conv(wrong([image]), 4), 'conv: expected a value of a network, got a list');
  refuses(() => net.linear(wrong(null), 4), 'linear: expected a value of a network, got null');
});
