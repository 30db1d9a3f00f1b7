// StackedUnets: two U-nets side by side whose outputs are added (OTOv3, section 4.1). The topology is
// the one published with the original library; widths were not published and are chosen here so that
// at 3x32x32 the network has the paper's 0.80 M parameters and 184 M multiply-accumulates, within 5 %.

import type { Graph, Value } from '../index.js';
import { Network } from '../network.js';
import type { ModelOptions } from './catalog.js';

/** Builds StackedUnets; `width` (64) is the channels inside, three quarters of it enter the last sum. */
export function stackedUnets({ input, classes, width = 64 }: ModelOptions): Graph {
  const net = new Network();
  const image = net.input('image', [1, ...input]);
  const sum = net.add([leftUnet(net, image, width), rightUnet(net, image, width)], { name: 'sum' });
  const pooled = net.globalAveragePool(sum, { name: 'pool' });
  const features = net.squeeze(net.squeeze(pooled, 3), 2);
  return net.graph([net.linear(features, classes, { name: 'classifier' })]);
}

/** Halves its resolution by max pooling. */
function leftUnet(net: Network, image: Value, width: number): Value {
  const conv = (x: Value, name: string, channels = width): Value =>
    net.conv(x, channels, { kernel: 3, bias: true, name: `left.${name}` });
  const relu = (x: Value): Value => net.relu(x);
  const norm = (x: Value): Value => net.batchNorm(x);

  const full = conv(relu(norm(conv(image, 'full1'))), 'full2');
  const half = norm(relu(conv(relu(conv(net.maxPool(full, { kernel: 2 }), 'half1')), 'half2')));
  const quarter = conv(conv(net.maxPool(half, { kernel: 2 }), 'quarter1'), 'quarter2');
  const eighth = conv(conv(net.maxPool(quarter, { kernel: 2 }), 'eighth1'), 'eighth2');

  const atQuarter = net.add([upTo(net, eighth, quarter), quarter]);
  const atHalf = net.add([upTo(net, atQuarter, half), half]);
  const decoded = relu(norm(conv(conv(atHalf, 'up1'), 'up2')));
  const atFull = net.add([upTo(net, decoded, full), full]);
  return norm(relu(conv(relu(atFull), 'out', (width * 3) / 4)));
}

/** Halves its resolution by strided convolutions. */
function rightUnet(net: Network, image: Value, width: number): Value {
  const conv = (x: Value, name: string, { stride = 1, channels = width } = {}): Value =>
    net.conv(x, channels, { kernel: 3, stride, bias: true, name: `right.${name}` });
  const relu = (x: Value): Value => net.relu(x);
  const norm = (x: Value): Value => net.batchNorm(x);

  const full = relu(norm(conv(image, 'full')));
  const half = relu(conv(conv(full, 'half1', { stride: 2 }), 'half2'));
  const quarter = conv(conv(norm(relu(conv(half, 'quarter1', { stride: 2 }))), 'quarter2'), 'quarter3');
  const eighth = conv(conv(conv(quarter, 'eighth1', { stride: 2 }), 'eighth2'), 'eighth3');

  const atQuarter = net.add([upTo(net, eighth, quarter), quarter]);
  const atHalf = net.add([upTo(net, atQuarter, half), half]);
  const decoded = relu(norm(conv(conv(atHalf, 'up1'), 'up2')));
  const atFull = net.add([upTo(net, decoded, full), full]);
  return norm(relu(conv(relu(atFull), 'out', { channels: (width * 3) / 4 })));
}

/** `x` resized to the resolution of `skip`. */
function upTo(net: Network, x: Value, skip: Value): Value {
  const ratio = (axis: number): number => (skip.type.shape[axis] as number) / (x.type.shape[axis] as number);
  return net.resize(x, { scale: [ratio(2), ratio(3)] });
}
