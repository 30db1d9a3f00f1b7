// RegNet (Radosavovic et al. 2020, "Designing Network Design Spaces"): widths on a quantised line, blocks
// of 1x1, grouped 3x3 and 1x1 convolution beside a shortcut, with or without squeeze-excitation (Hu et al.
// 2018) in the middle. The residual branch of a block is what can be erased. The 800 MF setting is the one
// used on 32x32 images, with a stem of stride 1.

import type { Graph, Value } from '../index.js';
import { Network } from '../network.js';
import type { ModelOptions } from './catalog.js';

/** The parameters of the design space; widths are multiples of `groupWidth`. */
export interface RegNetSpace {
  readonly slope: number;
  readonly initial: number;
  readonly multiplier: number;
  readonly depth: number;
  readonly groupWidth: number;
  /** Channels between the two layers of squeeze-excitation, as a share of the block's input; none unless told. */
  readonly squeeze?: number;
}

/** Channels of the stem where nobody says otherwise. */
const usualStem = 64;

/** The 800 MF setting, with all widths in proportion to that of the stem. */
const x800M = (stem = usualStem): RegNetSpace => {
  const scale = stem / usualStem;
  return { slope: 35.73 * scale, initial: 56 * scale, multiplier: 2.28, depth: 16, groupWidth: 16 };
};

/** RegNetX-800M: 6.59 M parameters and 253 M multiply-accumulates at 3x32x32. `width` scales all of it. */
export const regnetX800M = (options: ModelOptions): Graph => regnet(x800M(options.width), options);

/** The same with squeeze-excitation as RegNetY has it: 7.89 M parameters and 254 M multiply-accumulates. */
export const regnet800MSqueeze = (options: ModelOptions): Graph =>
  regnet({ ...x800M(options.width), squeeze: 0.25 }, options);

/** Any RegNetX or RegNetY; `width` is the channels of the stem, 64 unless told. */
export function regnet(space: RegNetSpace, { input, classes, width = usualStem }: ModelOptions): Graph {
  const net = new Network();
  let x = unit(net, net.input('image', [1, ...input]), { channels: width, kernel: 3, name: 'stem' });
  for (const [stage, { channels, blocks }] of stages(space).entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      x = residualBlock(net, x, {
        channels,
        stride,
        groups: channels / space.groupWidth,
        squeeze: space.squeeze ?? 0,
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

/** Widths u_j = initial + slope j, rounded to powers of the multiplier; each power is a stage. */
export function stages(space: RegNetSpace): readonly Stage[] {
  const { slope, initial, multiplier, depth } = space;
  const powers = Array.from({ length: depth }, (_, index) =>
    Math.round(Math.log((initial + slope * index) / initial) / Math.log(multiplier)),
  );
  return [...new Set(powers)].map((power) => ({
    channels: channelsAt(space, power),
    blocks: powers.filter((other) => other === power).length,
  }));
}

/** initial multiplier^power, rounded to a multiple of 8 and then to whole groups. */
function channelsAt({ initial, multiplier, groupWidth }: RegNetSpace, power: number): number {
  const quantised = Math.round((initial * multiplier ** power) / 8) * 8;
  return Math.max(1, Math.round(quantised / groupWidth)) * groupWidth;
}

interface Block {
  readonly channels: number;
  readonly stride: number;
  readonly groups: number;
  readonly squeeze: number;
  readonly name: string;
}

function residualBlock(net: Network, x: Value, { channels, stride, groups, squeeze, name }: Block): Value {
  const narrow = unit(net, x, { channels, kernel: 1, name: `${name}.a` });
  const grouped = unit(net, narrow, { channels, kernel: 3, stride, groups, name: `${name}.b` });
  const inputs = x.type.shape[1] as number;
  const excited =
    squeeze > 0
      ? excitation(net, grouped, Math.max(1, Math.round(squeeze * inputs)), `${name}.excitation`)
      : grouped;
  const branch = net.batchNorm(net.conv(excited, channels, { kernel: 1, bias: false, name: `${name}.c` }));
  const same = stride === 1 && inputs === channels;
  const shortcut = same
    ? x
    : net.batchNorm(net.conv(x, channels, { kernel: 1, stride, bias: false, name: `${name}.shortcut` }));
  return net.relu(net.add([branch, shortcut]));
}

/** Squeeze-excitation: every channel times a number from 0 to 1 that two layers make of the means of all. */
function excitation(net: Network, x: Value, middle: number, name: string): Value {
  const means = net.globalAveragePool(x, { name: `${name}.mean` });
  const reduced = net.relu(net.conv(means, middle, { kernel: 1, name: `${name}.reduce` }));
  const expanded = net.conv(reduced, x.type.shape[1] as number, { kernel: 1, name: `${name}.expand` });
  return net.multiply(x, net.sigmoid(expanded), { name: `${name}.scale` });
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
