// Random networks through a file and back: the same inputs and outputs by name, the same function, and so for what is
// cut out of the network that was read.

import test from 'ava';
import type { Graph, Value } from '../lib/graph.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { unsupported } from '../lib/ops/opaque.js';
import { searchSpace } from '../lib/search/space.js';
import { constructSubnet } from '../lib/search/subnet.js';
import { closure } from '../lib/search/validity.js';
import { initialWeights, type Weights } from '../lib/weights.js';
import {
  forward,
  holds,
  randomWeights,
  relativeDifference,
  zeroed,
  type NetworkOptions,
} from './random-networks.js';

/** The order of float64 sums; weights are written as they are. */
const TOLERANCE = 1e-9;

const namesOf = (values: readonly Value[]): readonly string[] => values.map(({ name }) => name);

function requireNames(what: string, values: readonly Value[], expected: readonly string[]): void {
  const found = namesOf(values);
  if (found.join() !== expected.join())
    throw new Error(`${what} are called ${found.join()}, not ${expected.join()}`);
}

function requireClose(what: string, [a, aWeights]: Network, [b, bWeights]: Network): void {
  const difference = relativeDifference(forward(a, aWeights), forward(b, bWeights));
  if (!(difference <= TOLERANCE)) throw new Error(`${what} differs by ${difference}`);
}

type Network = readonly [Graph, Weights];

/** The network as it is read from the file that it is written to, where all its ends must have their names. */
function throughFile([graph, weights]: Network, outputNames: readonly string[]): Network {
  const read = fromOnnx(toOnnx(graph, weights, { outputNames }));
  requireNames(
    'opaque nodes',
    unsupported(read).flatMap(({ outputs }) => outputs),
    [],
  );
  requireNames('inputs', read.inputs, namesOf(graph.inputs));
  requireNames('outputs', read.outputs, outputNames);
  return [read, initialWeights(read, 0)];
}

/** Three in four groups that can go. */
function erasable(space: ReturnType<typeof searchSpace>, seed: number): readonly number[] {
  const taken = Uint8Array.from(space.groups, (_, index) => ((seed >> (index % 24)) & 3 ? 1 : 0));
  const closed = closure(space.skeleton, taken);
  return closed ? [...closed.keys()].filter((id) => closed[id]) : [];
}

function checkFile(graph: Graph, seed: number): void {
  const given: Network = [graph, randomWeights(graph, seed)];
  const names = graph.outputs.map(({ name }, index) => `${name}.${index}`);
  const read = throughFile(given, names);
  requireClose('the network', given, read);
  const space = searchSpace(read[0]);
  const erased = erasable(space, seed);
  const weights = zeroed(space, read[1], erased);
  const cut = constructSubnet(space, erased);
  const subnet = throughFile([cut.graph, cut.carry(weights)], names);
  requireClose(`the sub-network without ${erased.join()}`, [space.graph, weights], subnet);
}

const property = (options: NetworkOptions): void => holds(options, 150, checkFile);

test('networks of sums and concatenations are what they were when they come back from a file', (t) => {
  t.notThrows(() => property({ jointsOnly: true }));
});

test('networks with products, slices and shared weights are what they were when they come back', (t) => {
  t.notThrows(() => property({}));
});

test('networks with several outputs keep them all, also where one value has several names', (t) => {
  t.notThrows(() => property({ outputs: 3, length: 9 }));
  t.notThrows(() => property({ outputs: 2, length: 5, aliases: true }));
});
