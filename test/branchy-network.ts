// A network of branches for tests of whole programs, and batches for it.

import type { Graph } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { random } from '../lib/random.js';
import { elements } from '../lib/shape.js';

export const BATCH = 4;

/** Convolutions of all kinds, pooling, resizing, a sum and a concatenation; images [N, 3, 12, 12]. */
export function branchyNetwork(): Graph {
  const network = new Network();
  const x = network.input('images', [1, 3, 12, 12]);
  const stem = network.relu(
    network.batchNorm(network.conv(x, 16, { name: 'stem', bias: false }), { name: 'stem_bn' }),
  );
  const down = network.conv(stem, 17, { stride: 2, padding: 1, name: 'down' });
  const left = network.relu(network.batchNorm(down, { name: 'down_bn' }));
  const right = network.relu(network.conv(network.maxPool(stem), 24, { kernel: 1, name: 'side' }));
  const deep = network.batchNorm(network.conv(network.concat([left, right]), 16, { name: 'deep' }), {
    name: 'deep_bn',
  });
  const joined = network.relu(network.add([stem, network.resize(deep, { scale: 2 })]));
  const wide = network.conv(joined, 16, { kernel: 5, groups: 16, name: 'depthwise' });
  const mixed = network.relu(
    network.conv(network.batchNorm(wide, { name: 'wide_bn' }), 40, { kernel: 1, name: 'pointwise' }),
  );
  const pooled = network.averagePool(mixed, { kernel: 3, stride: 2, padding: 1, countIncludePad: true });
  const features = network.flatten(network.globalAveragePool(pooled));
  return network.graph([network.linear(features, 10, { name: 'head' })]);
}

/** One random batch; the last row is padding. */
export function batchOf(graph: Graph, step: number) {
  const stream = random(step, 5);
  const size = elements(graph.inputs[0]?.type.shape.slice(1) ?? []);
  return {
    images: Float32Array.from({ length: BATCH * size }, () => stream.normal()),
    labels: Int32Array.from({ length: BATCH }, (_, row) => (row === BATCH - 1 ? -1 : stream.below(10))),
  };
}
