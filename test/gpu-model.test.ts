// The work that a GPU is held against: figures of ResNet-50 that are known elsewhere, and bytes counted by
// hand.

import test from 'ava';
import { costsOf, totalOf } from '../bench/gpu-model.js';
import { resnet50 } from '../bench/networks.js';
import { piecesOf, updateBytes } from '../bench/update-bytes.js';
import { Network } from '../lib/index.js';
import { compileTraining } from '../lib/compile/training.js';
import { countMacs, countParameters, type Graph } from '../lib/graph.js';

const train = (graph: Graph, batch: number) =>
  compileTraining(graph, { batch, rule: 'sgd', groups: [] }).program;

test('ResNet-50 has the parameters and multiply-accumulates of the published network', (t) => {
  const graph = resnet50();
  t.is(countParameters(graph), 25_557_032);
  t.is(countMacs(graph), 4_089_184_256);
});

test('a step of ResNet-50 multiplies three times, but for the gradient of the images', (t) => {
  const stem = 64 * 3 * 7 * 7 * 112 * 112;
  const { flops, steps } = totalOf(costsOf(train(resnet50(), 2), 'train'));
  t.is(flops, 2 * 2 * (3 * 4_089_184_256 - stem));
  t.true(steps > 300);
});

test('bytes are those of the operands, and what a kernel reads twice', (t) => {
  const net = new Network();
  const x = net.input('image', [1, 3, 8, 8]);
  const y = net.batchNorm(net.conv(x, 4, { kernel: 3, bias: false }));
  const costs = costsOf(
    train(net.graph([net.linear(net.flatten(net.globalAveragePool(y)), 10)]), 2),
    'train',
  );
  const of = (kernel: string) => costs.find((cost) => cost.kernel === kernel);
  const image = 2 * 3 * 8 * 8;
  const features = 2 * 4 * 8 * 8;
  const weights = 4 * 3 * 3 * 3;
  t.is(of('conv')?.bytes, 4 * (image + weights + features));
  t.is(of('conv')?.movedBytes, 4 * (image + 3 * weights + features));
  // x and y; scale, bias, both running statistics, read and written, and both of the batch.
  t.is(of('batch_norm')?.bytes, 4 * (2 * features + 8 * 4));
  t.is(of('batch_norm')?.movedBytes, 4 * (3 * features + 8 * 4));
  // x, dy and dx; scale and the statistics of the batch, and two gradients.
  t.is(of('batch_norm_backward')?.bytes, 4 * (3 * features + 5 * 4));
  t.is(of('batch_norm_backward')?.movedBytes, 4 * (5 * features + 5 * 4));
});

test('images of bf16 take half the bytes, and everything else what it took', (t) => {
  const net = new Network();
  const x = net.maxPool(net.relu(net.conv(net.input('image', [1, 8, 8, 8]), 4, { kernel: 3 })), {
    kernel: 2,
  });
  const costs = costsOf(train(net.graph([net.linear(net.flatten(x), 10)]), 2), 'train', 'bf16');
  const of = (kernel: string) => costs.find((cost) => cost.kernel === kernel);
  const [image, features, pooled] = [2 * 8 * 8 * 8, 2 * 4 * 8 * 8, 2 * 4 * 4 * 4];
  const weights = 4 * 8 * 3 * 3;
  // Weights and bias in fp32; what cuDNN gets is written and read in bf16; bias and rectifier are one pass over y.
  t.is(of('conv')?.bytes, 2 * (image + features) + 4 * (weights + 4));
  t.is(of('conv')?.movedBytes, 2 * (image + 3 * features + 2 * weights) + 4 * (weights + 4));
  // x and dy, dy once more for the gradient of the bias.
  t.is(of('conv_backward_weights')?.bytes, 2 * (image + features) + 4 * (weights + 4));
  t.is(of('conv_backward_weights')?.movedBytes, 2 * (image + 2 * features + 2 * weights) + 4 * (weights + 4));
  // dy, x and dx; a winner of four bytes for each output, written and read.
  t.is(of('max_pool_backward')?.movedBytes, 2 * (pooled + 2 * features) + 2 * 4 * pooled);
  // Matrices stay in fp32.
  t.is(of('linear')?.bytes, 4 * (2 * 64 + 10 * 64 + 10 + 2 * 10));
});

test('a step takes as long as the slower of arithmetic and memory', (t) => {
  const net = new Network();
  const graph = net.graph([net.linear(net.flatten(net.input('image', [1, 8192, 1, 1])), 8192)]);
  for (const [precision, rate] of [
    ['tf32', 494.7e12],
    ['bf16', 989.4e12],
  ] as const) {
    const costs = costsOf(train(graph, 4096), 'train', precision);
    const cost = costs.find(({ kernel }) => kernel === 'linear');
    const arithmetic = (1e3 * 2 * 4096 * 8192 * 8192) / rate;
    t.true(Math.abs((cost?.milliseconds ?? 0) / arithmetic - 1) < 1e-12);
  }
});

test('an update moves its parameters, its groups, and what they are cut into', (t) => {
  const work = { rule: 'sgd', parameters: 4096, taken: 1024 } as const;
  const parameters = 4 * (4096 * 4 + 3072 + 1024 * 3);
  t.is(updateBytes({ ...work, groups: 0, pieces: 0 }), parameters);
  // Ceilings, ids, statistics and moves; where pieces lie, and their sums.
  t.is(updateBytes({ ...work, groups: 2, pieces: 4 }), parameters + 2 * 100 + 4 * 96);
  t.deepEqual([1, 1024, 1025].map(piecesOf), [1, 1, 2]);
});
