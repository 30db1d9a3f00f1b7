// Lowering, layouts and the programs for training and inference, run by the reference interpreter.

import test from 'ava';
import { HalfspaceError } from '../lib/errors.js';
import { gradients } from '../lib/grad.js';
import { GraphBuilder, type Graph } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { linear, relu, sum } from '../lib/ops/index.js';
import { opaque } from '../lib/ops/opaque.js';
import { random } from '../lib/random.js';
import { elements, f32 } from '../lib/shape.js';
import { compileInference } from '../lib/compile/inference.js';
import {
  ALIGNMENT,
  arenaLayout,
  offsetOf,
  packWeights,
  placeWeights,
  unpackWeights,
} from '../lib/compile/layout.js';
import { lower, tensorFor } from '../lib/compile/lower.js';
import { printPasses, printProgram } from '../lib/compile/print.js';
import type { Step, Tensor } from '../lib/compile/program.js';
import { compileTraining, type TrainingOptions } from '../lib/compile/training.js';
import { initialWeights } from '../lib/weights.js';
import { ReferenceSession } from './reference.js';

/** Two branches, one of them narrow, and every kind of parameter. */
function branchy(): Graph {
  const network = new Network();
  const x = network.input('x', [1, 2, 4, 4]);
  const stem = network.relu(network.batchNorm(network.conv(x, 3, { kernel: 3, name: 'stem' })));
  const branch = network.conv(stem, 3, { kernel: 1, bias: false, name: 'branch' });
  const joined = network.add([stem, branch]);
  const pooled = network.flatten(network.globalAveragePool(joined));
  return network.graph([network.linear(pooled, 4, { name: 'head' })]);
}

const options: TrainingOptions = { batch: 3, rule: 'sgd', groups: [] };

/** Learning rate, momentum and weight decay of plain sgd. */
const hyper = (learningRate: number, momentum = 0, weightDecay = 0): number[] => [
  learningRate,
  momentum,
  0.999,
  weightDecay,
  1e-8,
  1,
  1e-3,
  2,
  10,
  0.95,
];

const noise = (length: number, seed: number): Float64Array => {
  const stream = random(seed);
  return Float64Array.from({ length }, () => stream.normal());
};

const magnitude = (values: Iterable<number>): number => [...values].reduce((a, b) => a + Math.abs(b), 0);

/** A reference session on a compiled training program, with first weights. */
function training(graph: Graph, more: Partial<TrainingOptions> = {}) {
  const { program, layout } = compileTraining(graph, { ...options, ...more });
  const session = new ReferenceSession(program);
  session.write('parameters', packWeights(layout, graph, initialWeights(graph, 1)));
  const shape = graph.inputs[0]?.type.shape.slice(1) ?? [];
  const data = { images: noise(options.batch * elements(shape), 7), labels: [0, 3, 1] };
  return { program, layout, session, data };
}

test('trainable parameters come first in the arena, each at an aligned offset', (t) => {
  const graph = branchy();
  const layout = arenaLayout(graph);
  const offsets = graph.parameters.map((p) => offsetOf(layout, p.name));
  t.true(offsets.every((offset) => offset % ALIGNMENT === 0));
  graph.parameters.forEach((p, index) =>
    t.is((offsets[index] as number) + elements(p.type.shape) <= layout.trainable, p.trainable, p.name),
  );
  t.true(layout.total > layout.trainable);
});

test('weights come back out of an arena as they went in, and the gaps are zero', (t) => {
  const graph = branchy();
  const layout = arenaLayout(graph);
  const weights = initialWeights(graph, 1);
  const arena = packWeights(layout, graph, weights);
  t.is(arena.length, layout.total);
  t.deepEqual(unpackWeights(layout, graph, arena), weights);
  t.is(magnitude(arena), magnitude([...weights.values()].flatMap((values) => [...values])));
});

test('weights are placed without a copy', (t) => {
  const graph = branchy();
  const layout = arenaLayout(graph);
  const weights = initialWeights(graph, 1);
  const placed = new Map(placeWeights(layout, graph, weights).map(({ offset, data }) => [offset, data]));
  t.is(placed.size, weights.size);
  for (const [name, data] of weights) t.is(placed.get(offsetOf(layout, name)), data, name);
});

test('optimizer state packs and unpacks the trainable parameters only', (t) => {
  const graph = branchy();
  const layout = arenaLayout(graph);
  const state = packWeights(layout, graph, initialWeights(graph, 1), layout.trainable);
  t.is(state.length, layout.trainable);
  const trainable = graph.parameters.filter((p) => p.trainable).map((p) => p.name);
  t.deepEqual([...unpackWeights(layout, graph, state).keys()], trainable);
});

test('packing refuses weights that are missing', (t) => {
  const graph = branchy();
  const weights = new Map(initialWeights(graph, 1));
  weights.delete('branch.weight');
  const error = t.throws(() => packWeights(arenaLayout(graph), graph, weights), {
    instanceOf: HalfspaceError,
  });
  t.is(error.message, "weights 'branch.weight': expected 9 elements, found nothing");
});

test('a training program prints as this text', (t) => {
  const network = new Network();
  const x = network.input('x', [1, 1, 2, 2]);
  const body = network.relu(network.conv(x, 2, { kernel: 1, name: 'conv' }));
  const graph = network.graph([network.linear(network.flatten(body), 3, { bias: false, name: 'head' })]);
  const groups = [[{ offset: 0, length: 2, stride: 1 }]];
  const { program } = compileTraining(graph, { batch: 2, rule: 'sgd', groups, smoothing: 0.1 });
  const [head, train] = printProgram(program).split('entry probe');
  t.truthy(train);
  t.is(
    head,
    `device cpu
arena parameters: f32[64]
arena gradients: f32[64]
arena state1: f32[64]
entry train(%images: f32[2,1,2,2], %labels: i32[2], %hyper: f64[10], %ceilings: f64[1]) -> %loss: f32[1], %correct: f32[1], %statistics: f64[1,6]
  %conv: f32[2,2,2,2] = conv(%images, parameters+0, parameters+16) {strides=[1,1], padding=[0,0,0,0], dilations=[1,1], groups=1, epilogue=relu}  # conv
  %flatten: f32[2,8] = reshape(%conv)  # flatten
  %head: f32[2,3] = linear(%flatten, parameters+32)  # head
  %loss: f32[1], %loss:1: f32[2,3], %correct: f32[1] = softmax_cross_entropy(%head, %labels) {smoothing=0.1}  # loss
  %loss.grad: f32[2,3] = softmax_cross_entropy_backward(%loss:1, %labels) {smoothing=0.1}  # loss.grad
  %head.grad: f32[2,8] = linear_backward_data(%loss.grad, parameters+32)  # head.grad
  gradients+32: f32[3,8] = linear_backward_weights(%flatten, %loss.grad)  # head.grad_2
  %flatten.grad: f32[2,2,2,2] = reshape(%head.grad)  # flatten.grad
  %conv.grad: f32[2,2,2,2] = unary_backward(%flatten.grad, %conv, %conv) {function=relu}  # conv.grad
  gradients+0: f32[2,1,1,1], gradients+16: f32[2] = conv_backward_weights(%images, %conv.grad) {strides=[1,1], padding=[0,0,0,0], dilations=[1,1], groups=1}  # conv.grad_2
  parameters+0: f32[64], state1+0: f32[64], %statistics: f64[1,6] = update(parameters+0, gradients+0, state1+0, %hyper, %ceilings) {rule=sgd, nesterov=false, groupCount=1, spans=[0,0,2,1]}  # update
`,
  );
});

test('compiling shows the graph after each pass', (t) => {
  const { passes } = compileTraining(branchy(), options);
  const heads = printPasses(passes).match(/^after .*$/gm);
  t.deepEqual(heads, ['after share', 'after fuse', 'after loss', 'after gradients']);
});

test('the gradients in the arena are those of finite differences', (t) => {
  const graph = branchy();
  const { session, layout, data } = training(graph);
  const before = session.read('parameters');
  session.run('train', { ...data, hyper: hyper(0), ceilings: [] });
  const gradient = session.read('gradients');
  const loss = (index: number, change: number): number => {
    session.write('parameters', before);
    session.write('parameters', [(before[index] as number) + change], index);
    return session.run('probe', data)['loss']?.[0] as number;
  };
  // Central differences in float64: truncation h^2 = 1e-10, rounding 1e-16 / h = 1e-11.
  const h = 1e-5;
  for (let index = 0; index < layout.trainable; index += 1) {
    const slope = (loss(index, h) - loss(index, -h)) / (2 * h);
    t.true(Math.abs(slope - (gradient[index] as number)) < 1e-7, `element ${index}`);
  }
});

test('one step of sgd moves against the gradient, and only that', (t) => {
  const { session, layout, data } = training(branchy());
  const before = session.read('parameters');
  session.run('train', { ...data, hyper: hyper(0.1), ceilings: [] });
  const gradient = session.read('gradients');
  const after = session.read('parameters', 0, layout.trainable);
  after.forEach((x, i) => t.is(x, (before[i] as number) - 0.1 * (gradient[i] as number)));
});

test('only training changes running statistics; measuring changes nothing', (t) => {
  const { session, data } = training(branchy());
  const before = session.read('parameters');
  const probe = session.run('probe', data);
  const evaluation = session.run('eval', data);
  t.deepEqual(session.read('parameters'), before);
  t.notDeepEqual(probe['loss'], evaluation['loss']);
  session.run('train', { ...data, hyper: hyper(0), ceilings: [] });
  t.notDeepEqual(session.read('parameters'), before);
  t.deepEqual(session.run('probe', data), probe);
});

test('training and probing see the same loss', (t) => {
  const { session, data } = training(branchy());
  const probe = session.run('probe', data);
  const step = session.run('train', { ...data, hyper: hyper(0), ceilings: [] });
  t.deepEqual(step['loss'], probe['loss']);
  t.deepEqual(step['correct'], probe['correct']);
});

test('smoothing shapes the training loss and never the measured one', (t) => {
  const plain = training(branchy());
  const smooth = training(branchy(), { smoothing: 0.2 });
  const input = { ...plain.data, hyper: hyper(0), ceilings: [] };
  t.notDeepEqual(smooth.session.run('train', input)['loss'], plain.session.run('train', input)['loss']);
  t.deepEqual(smooth.session.run('eval', input), plain.session.run('eval', input));
});

test('soft targets at the corners are hard labels', (t) => {
  const hard = training(branchy());
  const soft = training(branchy(), { softTargets: true });
  const labels = hard.data.labels.flatMap((label) => [0, 1, 2, 3].map((k) => (k === label ? 1 : 0)));
  const rest = { hyper: hyper(0), ceilings: [] };
  t.deepEqual(
    soft.session.run('train', { ...hard.data, labels, ...rest }),
    hard.session.run('train', { ...hard.data, ...rest }),
  );
});

test('rows labelled -1 count for nothing', (t) => {
  const { session, data } = training(branchy());
  const images = data.images.slice();
  const padded = { images, labels: [0, -1, 1] };
  const before = session.run('eval', padded);
  images.fill(9, images.length / 3, (2 * images.length) / 3);
  t.deepEqual(session.run('eval', padded), before);
});

test('a gradient that two parameters share reaches both, and one that is absent stays zero', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const normal = { kind: 'normal', deviation: 1 } as const;
  const [a, b] = ['a', 'b'].map((name) => builder.parameter(name, [3, 2], normal));
  builder.parameter('unused', [5], normal);
  const weight = builder.apply(
    sum(),
    [a, b].filter((v) => v !== undefined),
  );
  const graph = builder.graph([builder.apply(linear(), [x, weight])]);
  const { session, layout, data } = training(graph);
  session.run('train', { ...data, labels: [0, 2, 1], hyper: hyper(0), ceilings: [] });
  const gradient = (name: string, length: number): Float64Array =>
    session.read('gradients', offsetOf(layout, name), length);
  t.true(gradient('a', 6).some((value) => value !== 0));
  t.deepEqual(gradient('a', 6), gradient('b', 6));
  t.deepEqual(gradient('unused', 5), new Float64Array(5));
});

test('between the last gradient and the update all gradients are one arena', (t) => {
  const { program, layout } = compileTraining(branchy(), options);
  const arena = program.arenas.findIndex(({ name }) => name === 'gradients');
  const placed = (indices: readonly number[]) =>
    indices.flatMap((index) => {
      const { storage, shape } = program.tensors[index] as Tensor;
      return storage.kind === 'arena' && storage.arena === arena ? [[storage.offset, elements(shape)]] : [];
    });
  const steps = program.entries.find(({ name }) => name === 'train')?.steps ?? [];
  const update = steps.at(-1) as Step;
  t.is(update.kernel, 'update');
  t.deepEqual([placed(update.inputs), placed(update.outputs)], [[[0, layout.trainable]], []]);
  const written = steps.slice(0, -1).flatMap(({ outputs }) => placed(outputs));
  t.deepEqual(
    written.toSorted(([a = 0], [b = 0]) => a - b),
    branchy()
      .parameters.filter(({ trainable }) => trainable)
      .map(({ name, type }) => [offsetOf(layout, name), elements(type.shape)]),
  );
});

const entriesOf = (more: { readonly probe?: boolean }) =>
  compileTraining(branchy(), { ...options, ...more }).program.entries.map(({ name }) => name);

test('the entry that ablation measures with is there unless it is not wanted', (t) => {
  t.deepEqual(entriesOf({}), ['train', 'probe', 'eval']);
  t.deepEqual(entriesOf({ probe: false }), ['train', 'eval']);
});

test('lowering runs no node that nothing needs', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const y = builder.apply(relu(), [x], 'wanted');
  builder.apply(relu(), [y], 'dead');
  const steps = lower({
    graph: builder.graph([y]),
    mode: 'eval',
    sources: new Map([[x, tensorFor(x, { kind: 'input' })]]),
    sinks: [{ value: y, tensor: tensorFor(y, { kind: 'output' }) }],
  });
  t.deepEqual(
    steps.map((step) => step.label),
    ['wanted'],
  );
});

test('kernels for images get other data as images, and give it back in its own shape', (t) => {
  const network = new Network();
  const graph = network.graph([network.batchNorm(network.input('x', [1, 6, 5]), { name: 'bn' })]);
  const { program } = compileInference(graph, { batch: 2 });
  t.deepEqual(
    printProgram(program)
      .split('\n')
      .slice(3, -1)
      .map((line) => line.replace(/\(.*/, '')),
    [
      '  %x.image: f32[2,6,5,1] = reshape',
      '  %bn.image: f32[2,6,5,1] = batch_norm_inference',
      '  %bn: f32[2,6,5] = reshape',
    ],
  );
});

test('reading a value that the mode does not compute is our own error', (t) => {
  const network = new Network();
  const x = network.input('x', [2, 2, 1, 1]);
  const normalized = network.batchNorm(x);
  const graph = network.graph([normalized]);
  const { graph: backward, gradients: results } = gradients(graph, normalized, [x], x);
  const sources = new Map([x, ...graph.parameters].map((v) => [v, tensorFor(v, { kind: 'input' })]));
  const sinks = results.flatMap((v) => (v ? [{ value: v, tensor: tensorFor(v, { kind: 'output' }) }] : []));
  t.notThrows(() => lower({ graph: backward, mode: 'train', sources, sinks }));
  const error = t.throws(() => lower({ graph: backward, mode: 'eval', sources, sinks }));
  t.regex(error.message, /^internal: '.*:1' is read but never written$/);
});

test('inference answers under the names of the network, fused or not', (t) => {
  const network = new Network();
  const x = network.input('picture', [1, 1, 2, 2]);
  const y = network.relu(network.conv(x, 1, { kernel: 1, name: 'conv' }), { name: 'activation' });
  const graph = network.graph([y, x, y]);
  const { program, layout } = compileInference(graph, { batch: 2 });
  t.false(printProgram(program).includes('unary'));
  const session = new ReferenceSession(program);
  const weights = new Map(initialWeights(graph, 1)).set('conv.weight', Float32Array.of(2));
  session.write('parameters', packWeights(layout, graph, weights));
  const picture = [1, -1, 2, -2, 3, -3, 4, -4];
  t.deepEqual(session.run('infer', { picture }), {
    activation: Float64Array.of(2, 0, 4, 0, 6, 0, 8, 0),
    picture: Float64Array.from(picture),
  });
});

test('inference is what the eval entry measures', (t) => {
  const graph = branchy();
  const { session, data } = training(graph);
  const { program } = compileInference(graph, { batch: 3 });
  const inference = new ReferenceSession(program);
  session.run('train', { ...data, hyper: hyper(0.1), ceilings: [] });
  inference.write('parameters', session.read('parameters'));
  const logits = inference.run('infer', { x: data.images })[graph.outputs[0]?.name ?? ''] as Float64Array;
  const losses = data.labels.map((label, row) => {
    const scores = [...logits.subarray(4 * row, 4 * row + 4)];
    return Math.log(scores.reduce((a, s) => a + Math.exp(s), 0)) - (scores[label] as number);
  });
  const loss = session.run('eval', data)['loss']?.[0] as number;
  t.true(Math.abs(loss - losses.reduce((a, b) => a + b) / 3) < 1e-12);
});

test('training refuses what is not images in, logits out', (t) => {
  const network = new Network();
  const graph = network.graph([
    network.add([network.input('x', [1, 2, 2, 2]), network.input('y', [1, 2, 2, 2])]),
  ]);
  const error = t.throws(() => compileTraining(graph, options), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_GRAPH');
  t.is(
    error.message,
    'expected a network of one input, images, and logits [N, K] as its first output; ' +
      'got (f32[3,2,2,2], f32[3,2,2,2]) -> (f32[3,2,2,2])',
  );
});

test('training refuses a network of which nothing can be trained', (t) => {
  const network = new Network();
  const graph = network.graph([network.flatten(network.input('x', [1, 2, 2, 2]))]);
  const error = t.throws(() => compileTraining(graph, options), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_GRAPH');
});

test('programs refuse operators that cannot run, by name', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 4]));
  const graph = builder.graph([
    builder.apply(opaque('Quantum', [f32([1, 4])], { reason: 'never seen', follows: false }), [x]),
  ]);
  for (const compile of [compileTraining, compileInference]) {
    const error = t.throws(() => compile(graph, options), { instanceOf: HalfspaceError });
    t.is(error.code, 'ERR_UNSUPPORTED');
    t.regex(error.message, /Quantum/);
  }
});

test('groups outside the trainable parameters are our own error', (t) => {
  const groups = [[{ offset: 0, length: 1, stride: 1 }], [{ offset: 60, length: 3, stride: 1000 }]];
  const error = t.throws(() => compileTraining(branchy(), { ...options, groups }));
  t.regex(error.message, /^internal: group 1 spans 60 to 2060/);
});
