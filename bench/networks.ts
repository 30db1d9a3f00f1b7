// The networks whose training steps are timed: the built-in ones, and two plain ones that a user would
// write, which pytorch_networks.py has by hand.

import { Network, type Graph, type Value } from '../lib/index.js';
import { buildModel } from '../lib/models/index.js';

/** A network at the batch size that suits its cost. */
export interface Subject {
  readonly name: string;
  readonly batch: number;
  readonly build: () => Graph;
  /** Its name in pytorch_networks.py; the peer rebuilds the others from their description. */
  readonly handwritten?: string;
}

const builtIn = (name: string, batch: number): Subject => ({ name, batch, build: () => buildModel(name) });

export const subjects: readonly Subject[] = [
  { name: 'resnet-18', batch: 32, build: resnet18, handwritten: 'resnet-18' },
  builtIn('regnet-800m', 32),
  builtIn('superresnet', 16),
  builtIn('darts-8', 16),
  { name: 'separable', batch: 64, build: separable, handwritten: 'separable' },
  builtIn('stackedunets', 64),
  builtIn('demosupnet', 64),
];

/** ResNet-18 (He et al. 2016) as it is trained on 32x32 images: 64 channels wide, a stem of stride 1. */
function resnet18(): Graph {
  const net = new Network();
  let x = net.relu(convNorm(net, net.input('image', [1, 3, 32, 32]), 64, { kernel: 3, stride: 1 }));
  for (const channels of [64, 128, 256, 512]) {
    for (const first of [true, false]) x = basicBlock(net, x, channels, first && channels > 64 ? 2 : 1);
  }
  return classifier(net, x);
}

/** ResNet-50 as it is trained on ImageNet, strides in the 3x3 convolutions. */
export function resnet50(): Graph {
  const net = new Network();
  const stem = convNorm(net, net.input('image', [1, 3, 224, 224]), 64, { kernel: 7, stride: 2 });
  let x = net.maxPool(net.relu(stem), { kernel: 3, stride: 2, padding: 1 });
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    for (let block = 0; block < blocks; block += 1) {
      x = bottleneck(net, x, 64 << stage, block === 0 && stage > 0 ? 2 : 1);
    }
  }
  return classifier(net, x, 1000);
}

/** A 3x3 convolution between two 1x1 ones, the last four times as wide, beside a shortcut. */
function bottleneck(net: Network, x: Value, channels: number, stride: number): Value {
  const narrow = net.relu(convNorm(net, x, channels, { kernel: 1, stride: 1 }));
  const inner = net.relu(convNorm(net, narrow, channels, { kernel: 3, stride }));
  const branch = convNorm(net, inner, 4 * channels, { kernel: 1, stride: 1 });
  const same = x.type.shape[1] === 4 * channels;
  const shortcut = same ? x : convNorm(net, x, 4 * channels, { kernel: 1, stride });
  return net.relu(net.add([branch, shortcut]));
}

/** Two 3x3 convolutions beside a shortcut. */
function basicBlock(net: Network, x: Value, channels: number, stride: number): Value {
  const inner = net.relu(convNorm(net, x, channels, { kernel: 3, stride }));
  const branch = convNorm(net, inner, channels, { kernel: 3, stride: 1 });
  const same = stride === 1 && x.type.shape[1] === channels;
  const shortcut = same ? x : convNorm(net, x, channels, { kernel: 1, stride });
  return net.relu(net.add([branch, shortcut]));
}

/** Eight residual blocks of a depthwise 5x5 and a pointwise convolution, 32 channels wide. */
function separable(): Graph {
  const net = new Network();
  let x = net.relu(convNorm(net, net.input('image', [1, 3, 32, 32]), 32, { kernel: 3, stride: 1 }));
  for (let block = 0; block < 8; block += 1) {
    const depthwise = net.conv(x, 32, { kernel: 5, groups: 32, bias: false });
    const branch = convNorm(net, depthwise, 32, { kernel: 1, stride: 1 });
    x = net.add([net.relu(branch), x]);
  }
  return classifier(net, x);
}

/** A network of a few kilobytes with the operators of the others, to have their code loaded. */
export function tiny(): Graph {
  const net = new Network();
  const stem = net.relu(convNorm(net, net.input('image', [1, 3, 16, 16]), 16, { kernel: 3, stride: 1 }));
  const depthwise = net.conv(stem, 16, { kernel: 5, groups: 16, bias: false });
  const branch = net.relu(convNorm(net, depthwise, 16, { kernel: 1, stride: 1 }));
  const pooled = net.maxPool(net.add([stem, branch]), { kernel: 3, stride: 2, padding: 1 });
  const resized = net.resize(pooled, { scale: 2 });
  return classifier(net, net.concat([stem, resized]));
}

const convNorm = (
  net: Network,
  x: Value,
  channels: number,
  options: { readonly kernel: number; readonly stride: number },
): Value => net.batchNorm(net.conv(x, channels, { ...options, bias: false }));

const classifier = (net: Network, x: Value, classes = 10): Graph =>
  net.graph([net.linear(net.flatten(net.globalAveragePool(x)), classes)]);
