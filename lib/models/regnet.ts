// RegNet (Radosavovic et al. 2020, "Designing Network Design Spaces"): widths on a quantised line, blocks
// of 1x1, grouped 3x3 and 1x1 convolution beside a shortcut. The residual branch of a block is what can be
// erased. `regnetX800M` is the 800 MF setting as used on 32x32 images, with a stem of stride 1.

import { Network, type Graph, type Value } from '../index.js';
import type { ModelOptions } from './catalog.js';

/** The parameters of the design space; widths are multiples of `groupWidth`. */
export interface RegNetSpace {
  readonly slope: number;
  readonly initial: number;
  readonly multiplier: number;
  readonly depth: number;
  readonly groupWidth: number;
}

const x800M: RegNetSpace = { slope: 35.73, initial: 56, multiplier: 2.28, depth: 16, groupWidth: 16 };

/** RegNetX-800M: 6.59 M parameters and 253 M multiply-accumulates at 3x32x32. */
export const regnetX800M = (options: ModelOptions): Graph => regnet(x800M, options);

/** Any RegNetX; `width` is the channels of the stem, 64 unless told. */
export function regnet(space: RegNetSpace, { input, classes, width = 64 }: ModelOptions): Graph {
  const net = new Network();
  let x = unit(net, net.input('image', [1, ...input]), { channels: width, kernel: 3, name: 'stem' });
  for (const [stage, { channels, blocks }] of stages(space).entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      x = residualBlock(net, x, {
        channels,
        stride,
        groups: channels / space.groupWidth,
        name: `stage${stage + 1}.${block}`,
      });
    }
  }
  return net.graph([net.linear(net.flatten(net.globalAveragePool(x)), classes, { name: 'classifier' })]);
}

interface Stage {
  readonly channels: number;
  readonly blocks: number;
}

/** Widths u_j = initial + slope j, rounded to powers of the multiplier, then to multiples of 8 and of the groups. */
export function stages({ slope, initial, multiplier, depth, groupWidth }: RegNetSpace): readonly Stage[] {
  const widths = Array.from({ length: depth }, (_, index) => {
    const power = Math.round(Math.log((initial + slope * index) / initial) / Math.log(multiplier));
    const quantised = Math.round((initial * multiplier ** power) / 8) * 8;
    return Math.round(quantised / groupWidth) * groupWidth;
  });
  return [...new Set(widths)].map((channels) => ({
    channels,
    blocks: widths.filter((width) => width === channels).length,
  }));
}

interface Block {
  readonly channels: number;
  readonly stride: number;
  readonly groups: number;
  readonly name: string;
}

function residualBlock(net: Network, x: Value, { channels, stride, groups, name }: Block): Value {
  const narrow = unit(net, x, { channels, kernel: 1, name: `${name}.a` });
  const grouped = unit(net, narrow, { channels, kernel: 3, stride, groups, name: `${name}.b` });
  const branch = net.batchNorm(net.conv(grouped, channels, { kernel: 1, bias: false, name: `${name}.c` }));
  const same = stride === 1 && x.type.shape[1] === channels;
  const shortcut = same
    ? x
    : net.batchNorm(net.conv(x, channels, { kernel: 1, stride, bias: false, name: `${name}.shortcut` }));
  return net.relu(net.add([branch, shortcut]));
}

interface Unit {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly name: string;
}

/** Convolution, batch norm, ReLU. */
const unit = (net: Network, x: Value, { channels, ...options }: Unit): Value =>
  net.relu(net.batchNorm(net.conv(x, channels, { ...options, bias: false })));
