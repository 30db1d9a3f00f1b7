// SuperResNet (OTOv3, section 4.2): a ResNet whose residual branches come in parallel with 3x3, 5x5 and 7x7
// kernels, in the bottleneck blocks of the ZenNAS space. A search keeps the branches that matter. The paper
// gives the sizes of its sub-networks (1 M and 2 M parameters); the presets here land there with one 3x3
// branch a block.

import type { Graph, Value } from '../index.js';
import { Network } from '../network.js';
import type { ModelOptions } from './catalog.js';

/** Channels and number of blocks of one resolution. */
interface Stage {
  readonly channels: number;
  readonly blocks: number;
}

const kernels = [3, 5, 7] as const;

/** 1.01 M parameters with one 3x3 branch a block. */
export const superResNet1M = (options: ModelOptions): Graph => superResNet([2, 4, 2], options);

/** 2.03 M parameters with one 3x3 branch a block. */
export const superResNet2M = (options: ModelOptions): Graph => superResNet([4, 6, 5], options);

/** `blocks` of each of the stages, whose channels are 1x, 2x and 4x `width`. */
function superResNet(blocks: readonly number[], { input, classes, width = 128 }: ModelOptions): Graph {
  const net = new Network();
  const image = net.input('image', [1, ...input]);
  let x = net.relu(net.batchNorm(net.conv(image, width, { kernel: 3, bias: false, name: 'stem' })));
  const stages: readonly Stage[] = blocks.map((count, stage) => ({
    channels: width * 2 ** stage,
    blocks: count,
  }));
  for (const [stage, { channels, blocks: count }] of stages.entries()) {
    for (let block = 0; block < count; block += 1) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      x = superBlock(net, x, { channels, stride, name: `stage${stage + 1}.${block}` });
    }
  }
  return net.graph([net.linear(net.flatten(net.globalAveragePool(x)), classes, { name: 'classifier' })]);
}

interface Block {
  readonly channels: number;
  readonly stride: number;
  readonly name: string;
}

/** The sum of one bottleneck branch a kernel size, and a shortcut. */
function superBlock(net: Network, x: Value, { channels, stride, name }: Block): Value {
  const conv = (from: Value, to: number, kernel: number, part: string, step = 1): Value =>
    net.batchNorm(net.conv(from, to, { kernel, stride: step, bias: false, name: `${name}.${part}` }));
  const branch = (kernel: number): Value => {
    const inner = channels / 4;
    const reduced = net.relu(conv(x, inner, 1, `k${kernel}.reduce`));
    const spatial = net.relu(conv(reduced, inner, kernel, `k${kernel}.spatial`, stride));
    return conv(spatial, channels, 1, `k${kernel}.expand`);
  };
  const same = stride === 1 && x.type.shape[1] === channels;
  const shortcut = same ? x : conv(x, channels, 1, 'shortcut', stride);
  return net.relu(net.add([...kernels.map(branch), shortcut]));
}
