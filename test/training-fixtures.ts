// A super-network and a dataset small enough to be trained in a blink, and a session that interprets
// programs in float64, for tests of everything above the device.

import type { Program } from '../lib/compile/program.js';
import type { Dataset } from '../lib/data/dataset.js';
import { memorySplit } from '../lib/data/memory.js';
import type { Graph, Value } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { random } from '../lib/random.js';
import type { OpenSession, SessionLike } from '../lib/train/device-network.js';
import { ReferenceSession } from './reference.js';

const size = 8;
const classes = 3;

/** Bright bars on noise: the class says which third of the image the bar stands in. */
function split(length: number, seed: number) {
  const stream = random(seed);
  const labels = Int32Array.from({ length }, (_, index) => index % classes);
  const bytes = Uint8Array.from({ length: length * size * size }, (_, at) => {
    const column = at % size;
    const label = labels[Math.floor(at / (size * size))] as number;
    const bar = Math.floor((column * classes) / size) === label ? 90 : 0;
    return bar + stream.below(130);
  });
  return memorySplit({ bytes, labels, shape: [1, size, size] });
}

export const tinyDataset: Dataset = {
  name: 'bars',
  classes: ['left', 'middle', 'right'],
  shape: [1, size, size],
  mean: [0.35],
  deviation: [0.2],
  train: split(96, 1),
  test: split(40, 2),
  augment: { train: [], test: [] },
};

/**
 * Four removable branches, three into a sum beside a skip, one into a concat whose absence narrows the
 * batch norm and the convolution behind it.
 */
export function tinyNetwork(width = 4): Graph {
  const net = new Network();
  const branch = (x: Value, name: string, kernel: number): Value =>
    net.relu(net.batchNorm(net.conv(x, width, { kernel, bias: false, name })));
  const stem = branch(net.input('image', [1, 1, size, size]), 'stem', 3);
  const sum = net.add([stem, branch(stem, 'a', 3), branch(stem, 'b', 1), branch(stem, 'c', 3)]);
  const joined = net.batchNorm(net.concat([sum, branch(stem, 'd', 3)]));
  const mixed = branch(joined, 'mix', 1);
  return net.graph([net.linear(net.flatten(net.maxPool(mixed, { kernel: 2 })), classes, { name: 'head' })]);
}

/** Interprets programs by plain loops in float64; arrays cross the boundary as float32. */
export const openReference: OpenSession = async (program: Program): Promise<SessionLike> => {
  const session = new ReferenceSession(program);
  return {
    run: async (entry, inputs, { signal } = {}) => {
      signal?.throwIfAborted();
      return session.run(entry, inputs);
    },
    write: (arena, data, offset) => session.write(arena, data, offset),
    read: (arena, offset, length) => Float32Array.from(session.read(arena, offset, length)),
    dispose: () => {},
  };
};

/** All that is iterated over. */
export async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
