// The DARTS super-network (Liu et al. 2019) as OTOv3 searches it: cells of four nodes, every node the sum of all
// candidate operations on all edges into it, cells joined by concatenation. Candidates are max and average
// pooling 3x3, skip, separable and dilated convolutions 3x3 and 5x5. The eighth primitive, zero, adds nothing
// to a sum: it is what an edge becomes when its other candidates are erased. All batch norms are affine.

import type { Graph, Value } from '../index.js';
import { HalfspaceError } from '../errors.js';
import { Network, type PaddingOption } from '../network.js';
import type { ModelOptions } from './catalog.js';

const nodesPerCell = 4;

/** Eight cells for small images: 4.1 M parameters and about 600 M multiply-accumulates at 3x32x32. */
export const darts8 = (options: ModelOptions): Graph => darts(8, options);

/** Any number of cells for small images, behind a stem that keeps the resolution. */
export function darts(count: number, { input, classes, width = 24 }: ModelOptions): Graph {
  const net = new Network();
  const image = net.input('image', [1, ...input]);
  const stem = net.batchNorm(net.conv(image, 3 * width, { kernel: 3, bias: false, name: 'stem' }));
  const features = cells(net, { older: stem, newer: stem, fromReduction: false }, { count, width });
  return classifier(net, features, classes);
}

/** Fourteen cells behind a stem that divides the resolution by eight, for ImageNet. */
export function darts14({ input, classes, width = 48 }: ModelOptions): Graph {
  const net = new Network();
  const conv = (x: Value, channels: number, name: string): Value =>
    net.batchNorm(net.conv(x, channels, { kernel: 3, stride: 2, bias: false, name }));
  const quarter = conv(
    net.relu(conv(net.input('image', [1, ...input]), width / 2, 'stem0.a')),
    width,
    'stem0.b',
  );
  const eighth = conv(net.relu(quarter), width, 'stem1');
  const features = cells(net, { older: quarter, newer: eighth, fromReduction: true }, { count: 14, width });
  return classifier(net, features, classes);
}

/**
 * Sums of all candidates grow from node to node, so what the last cell gives is normalised as it would be
 * for another cell; the logits would start in the hundreds otherwise.
 */
function classifier(net: Network, x: Value, classes: number): Graph {
  const features = reluConvNorm(net, x, (x.type.shape[1] as number) / nodesPerCell, 'features');
  const means = net.flatten(net.globalAveragePool(features));
  return net.graph([net.linear(means, classes, { name: 'classifier' })]);
}

/** The outputs of the two cells before; `fromReduction`: the newer has half the resolution of the older. */
interface Inputs {
  readonly older: Value;
  readonly newer: Value;
  readonly fromReduction: boolean;
}

/** Cells in a row; those at one and two thirds halve the resolution and double the channels. */
function cells(net: Network, inputs: Inputs, { count, width }: { count: number; width: number }): Value {
  let { older, newer, fromReduction } = inputs;
  let channels = width;
  for (let index = 0; index < count; index += 1) {
    const reduction = index === Math.floor(count / 3) || index === Math.floor((2 * count) / 3);
    if (reduction) channels *= 2;
    const next = cell(net, { older, newer, fromReduction }, { channels, reduction, name: `cell${index}` });
    [older, newer, fromReduction] = [newer, next, reduction];
  }
  return newer;
}

interface Cell {
  readonly channels: number;
  readonly reduction: boolean;
  readonly name: string;
}

function cell(net: Network, inputs: Inputs, { channels, reduction, name }: Cell): Value {
  const older = inputs.fromReduction
    ? factorizedReduce(net, inputs.older, channels, `${name}.older`)
    : reluConvNorm(net, inputs.older, channels, `${name}.older`);
  const states = [older, reluConvNorm(net, inputs.newer, channels, `${name}.newer`)];
  for (let node = 0; node < nodesPerCell; node += 1) {
    const candidates = states.flatMap((state, edge) =>
      edgeCandidates(net, state, {
        channels,
        stride: reduction && edge < 2 ? 2 : 1,
        name: `${name}.node${node}.edge${edge}`,
      }),
    );
    states.push(net.add(candidates, { name: `${name}.node${node}` }));
  }
  return net.concat(states.slice(2), { name: `${name}.concat` });
}

interface Edge {
  readonly channels: number;
  readonly stride: number;
  readonly name: string;
}

/** All candidate operations on one edge. */
function edgeCandidates(net: Network, x: Value, { channels, stride, name }: Edge): readonly Value[] {
  const pool = { kernel: 3, stride, padding: 1 } as const;
  return [
    net.maxPool(x, { ...pool, name: `${name}.max_pool` }),
    net.averagePool(x, { ...pool, name: `${name}.avg_pool` }),
    stride === 1 ? x : factorizedReduce(net, x, channels, `${name}.skip`),
    ...[3, 5].map((kernel) => separable(net, x, { channels, stride, kernel, name: `${name}.sep${kernel}` })),
    ...[3, 5].map((kernel) => dilated(net, x, { channels, stride, kernel, name: `${name}.dil${kernel}` })),
  ];
}

interface Candidate extends Edge {
  readonly kernel: number;
}

/** Depthwise and pointwise, twice; the first carries the stride. */
function separable(net: Network, x: Value, { channels, stride, kernel, name }: Candidate): Value {
  const half = (from: Value, step: number, part: string): Value => {
    const options = {
      kernel,
      stride: step,
      groups: channels,
      bias: false,
      name: `${name}.${part}.depthwise`,
    };
    return pointwise(net, net.conv(net.relu(from), channels, options), channels, `${name}.${part}`);
  };
  return half(half(x, stride, 'a'), 1, 'b');
}

/** Depthwise with every other pixel, then pointwise. */
function dilated(net: Network, x: Value, { channels, stride, kernel, name }: Candidate): Value {
  const options = { kernel, stride, dilation: 2, groups: channels, bias: false, name: `${name}.depthwise` };
  return pointwise(net, net.conv(net.relu(x), channels, options), channels, name);
}

const pointwise = (net: Network, x: Value, channels: number, name: string): Value =>
  net.batchNorm(net.conv(x, channels, { kernel: 1, bias: false, name: `${name}.pointwise` }));

const reluConvNorm = (net: Network, x: Value, channels: number, name: string): Value =>
  net.batchNorm(net.conv(net.relu(x), channels, { kernel: 1, bias: false, name }));

/**
 * Halves the resolution: two 1x1 convolutions of stride 2, one on the picture shifted by a pixel. Where a size is
 * odd the shifted picture lacks a last pixel, which is zero then, so that both halves have the rounded-up size that
 * pooling and padded convolutions have too.
 */
function factorizedReduce(net: Network, x: Value, channels: number, name: string): Value {
  const [, , height, width] = x.type.shape as readonly [number, number, number, number];
  if (Math.min(height, width) < 2) {
    throw new HalfspaceError(
      'ERR_SHAPE',
      `'${name}': expected at least 2x2 pixels to halve, got ${height}x${width}; ` +
        'images of 3x3 and larger suit 8 cells, of 17x17 and larger 14 cells',
    );
  }
  const active = net.relu(x);
  const half = (from: Value, part: string, padding: PaddingOption = 0): Value =>
    net.conv(from, channels / 2, { kernel: 1, stride: 2, padding, bias: false, name: `${name}.${part}` });
  const shifted = net.crop(active, { top: 1, left: 1 });
  return net.batchNorm(
    net.concat([half(active, 'even'), half(shifted, 'odd', [0, 0, height % 2, width % 2])]),
  );
}
