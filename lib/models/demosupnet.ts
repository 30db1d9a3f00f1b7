// DemoSupNet: the small demonstration network of OTOv3 (section 4.1), convolution branches that meet in
// concatenations and sums. The paper gives its size alone (0.82 M parameters, 209 M multiply-accumulates
// at 1x28x28); the topology here is ours and comes within 5 % of both.

import type { Graph, Value } from '../index.js';
import { Network } from '../network.js';
import type { ModelOptions } from './catalog.js';

/** Builds DemoSupNet; `width` (32) is the channels of the stem, 2x and 4x of it follow. */
export function demoSupNet({ input, classes, width = 32 }: ModelOptions): Graph {
  const net = new Network();
  const unit = (x: Value, channels: number, kernel: number, name: string): Value =>
    net.relu(net.batchNorm(net.conv(x, channels, { kernel, name })));
  const branch = (x: Value, channels: number, kernel: number, name: string): Value =>
    net.batchNorm(net.conv(x, channels, { kernel, name }));

  const stem = unit(net.input('image', [1, ...input]), width, 3, 'stem');
  const wide = net.concat([
    unit(stem, width, 3, 'concat1.conv3'),
    unit(stem, width, 5, 'concat1.conv5'),
    unit(stem, width, 1, 'concat1.conv1'),
  ]);
  const mixed = unit(wide, 2 * width, 1, 'mix1');
  const sum = net.relu(
    net.add([branch(mixed, 2 * width, 3, 'add1.conv3'), branch(mixed, 2 * width, 1, 'add1.conv1'), mixed]),
  );

  const half = net.maxPool(sum, { kernel: 2 });
  const wideHalf = net.concat([
    unit(half, 2 * width, 3, 'concat2.conv3'),
    unit(half, 2 * width, 5, 'concat2.conv5'),
    unit(unit(half, 2 * width, 3, 'concat2.twice1'), 2 * width, 3, 'concat2.twice2'),
  ]);
  const mixedHalf = unit(wideHalf, 4 * width, 1, 'mix2');
  const sumHalf = net.relu(
    net.add([
      branch(mixedHalf, 4 * width, 3, 'add2.conv3'),
      branch(mixedHalf, 4 * width, 1, 'add2.conv1'),
      branch(unit(mixedHalf, 4 * width, 3, 'add2.twice1'), 4 * width, 3, 'add2.twice2'),
      mixedHalf,
    ]),
  );
  const features = net.flatten(net.globalAveragePool(sumHalf));
  return net.graph([net.linear(features, classes, { name: 'classifier' })]);
}
