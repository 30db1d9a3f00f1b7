// Gates on branches without parameters: where they go, that they change nothing, that they are groups
// like any other, and that folding them is exact. The oracle of the properties is the float64 interpreter;
// 1e-9 of the largest output is far above its rounding (1e-16 times some thousand terms) and far below
// any gate that was forgotten or applied twice.

import test from 'ava';
import fc from 'fast-check';
import { compileInference } from '../lib/compile/inference.js';
import { packWeights } from '../lib/compile/layout.js';
import { GraphBuilder, print, type Graph, type Value } from '../lib/graph.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { darts } from '../lib/models/darts.js';
import { buildModel } from '../lib/models/index.js';
import { Network } from '../lib/network.js';
import * as ops from '../lib/ops/index.js';
import { random } from '../lib/random.js';
import { foldGates } from '../lib/search/fold-gates.js';
import { addGates } from '../lib/search/gates.js';
import { beginSelection, candidates, isComplete, setOf, take, tryTake } from '../lib/search/selection.js';
import { searchSpace, type SearchSpace } from '../lib/search/space.js';
import { constructSubnet } from '../lib/search/subnet.js';
import { closure, isValid } from '../lib/search/validity.js';
import { elements } from '../lib/shape.js';
import { constructVerified } from '../lib/train/construct.js';
import type { Progress } from '../lib/train/progress.js';
import { search } from '../lib/train/search.js';
import { Session } from '../lib/train/session.js';
import { initialWeights, type Weights } from '../lib/weights.js';
import { forward, networks, randomWeights, relativeDifference, zeroed } from './random-networks.js';
import { tinyDataset, tinyNetwork } from './training-fixtures.js';

const TOLERANCE = 1e-9;
const RUNS = Number(process.env['HALFSPACE_PROPERTY_RUNS'] ?? 100);

/** A network of one input of 4 channels; `body` returns its outputs. */
function network(body: (net: Network, x: Value) => readonly Value[]): Graph {
  const net = new Network();
  return net.graph(body(net, net.input('x', [1, 4, 4, 4])));
}

const window = { kernel: 3, stride: 1, padding: 1 } as const;
const conv = (net: Network, x: Value, name: string): Value => net.conv(x, 4, { kernel: 1, name });
const namesOf = (graph: Graph): readonly string[] => addGates(graph).gates.map(({ name }) => name);

/** Two poolings of one value, which ends a layer of its own, into a sum. */
const pooled = network((net, x) => {
  const stem = net.batchNorm(conv(net, x, 'stem'), { name: 'norm' });
  const fork = conv(net, net.add([conv(net, stem, 'a'), conv(net, stem, 'b')]), 'fork');
  const peak = net.maxPool(fork, { ...window, name: 'peak' });
  const mean = net.averagePool(fork, { ...window, name: 'mean' });
  return [net.add([peak, mean], { name: 'sum' })];
});

/** Names of the gates that are still there. */
const gatesLeft = ({ graph }: { readonly graph: Graph }): readonly string[] =>
  graph.parameters.map(({ name }) => name).filter((name) => name.endsWith('.gate'));

test('a pooling, an activation and a skip beside a convolution get a gate each', (t) => {
  const graph = network((net, x) => {
    const stem = conv(net, x, 'stem');
    const terms = [
      net.maxPool(stem, { ...window, name: 'pool' }),
      net.relu(stem, { name: 'act' }),
      stem,
      conv(net, stem, 'branch'),
    ];
    return [conv(net, net.add(terms, { name: 'sum' }), 'head')];
  });
  t.deepEqual(namesOf(graph), ['pool.gate', 'act.gate', 'sum.from.stem.gate']);
  const space = searchSpace(addGates(graph).graph);
  t.deepEqual(
    space.segments.filter(({ removable }) => removable).map(({ nodes }) => nodes.map(({ name }) => name)),
    [['pool', 'pool.gated'], ['act', 'act.gated'], ['branch'], ['sum.from.stem.gated']],
  );
  t.is(space.maxRemovable, 3);
});

test('skips from one value into several sums are gates of their own', (t) => {
  const graph = network((net, x) => {
    const a = net.relu(conv(net, x, 'stem'), { name: 'a' });
    const first = net.add([conv(net, a, 'b'), a], { name: 'first' });
    return [conv(net, net.add([conv(net, first, 'c'), first, a], { name: 'second' }), 'head')];
  });
  t.deepEqual(namesOf(graph), ['first.from.a.gate', 'second.from.first.gate', 'second.from.a.gate']);
});

test('what has parameters, is a sum or concatenation, or gives a sum its shape gets no gate', (t) => {
  const graph = network((net, x) => {
    const stem = conv(net, x, 'stem');
    const sum = net.add([conv(net, stem, 'a'), net.relu(conv(net, stem, 'b'))]);
    const both = net.concat([net.conv(stem, 2), net.conv(stem, 2)]);
    const small = net.globalAveragePool(stem, { name: 'mean' });
    const wide = net.apply(ops.add(), [net.add([sum, both]), small], { name: 'wide' });
    return [conv(net, wide, 'head')];
  });
  t.deepEqual(namesOf(graph), ['mean.gate']);
});

test('sums of integers get no gate, and no advice to give them one', (t) => {
  const builder = new GraphBuilder();
  const type = { dtype: 'i32', shape: [1, 4] } as const;
  const [a, b] = [builder.input('a', type), builder.input('b', type)];
  const small = builder.apply(ops.flatten(), [a], 'small');
  const graph = builder.graph([builder.apply(ops.add(), [small, b], 'sum')]);
  t.deepEqual(namesOf(graph), []);
  const { segments } = searchSpace(addGates(graph).graph);
  t.deepEqual(
    segments.map(({ reason }) => reason),
    ['it has no trainable parameters', "several branches meet in 'sum'"],
  );
});

test('a segment that all its readers can do without stays as removable as it was', (t) => {
  const graph = network((net, x) => {
    const stem = net.relu(conv(net, x, 'stem'));
    const both = conv(net, stem, 'both');
    const [a, b] = [net.add([both, conv(net, stem, 'a')]), net.add([both, conv(net, stem, 'b')])];
    return [conv(net, net.concat([a, b]), 'head')];
  });
  t.deepEqual(namesOf(graph), []);
});

test('a network that has its gates gets no further ones', (t) => {
  const { graph } = addGates(buildModel('darts-8', { width: 8 }));
  const again = addGates(graph);
  t.deepEqual(again.gates, []);
  t.is(print(again.graph), print(graph));
});

/**
 * By hand, for 8 and 14 cells with two reduction cells each: 14 edges a cell with two poolings, and a skip
 * but on the 8 edges of stride 2. A last cell needs one edge, from the cell before the last, and so on.
 */
for (const [name, cells] of [
  ['darts-8', 8],
  ['darts-14', 14],
] as const) {
  test(`with gates all poolings and skips of ${name} can be erased, and one edge stays in every other cell`, (t) => {
    const { graph, gates } = addGates(buildModel(name));
    t.is(gates.length, cells * 14 * 3 - 2 * 8);
    const { groups, maxRemovable } = searchSpace(graph);
    t.is(groups.length, cells * 14 * 4 + 2 * 8 + gates.length);
    t.is(maxRemovable, groups.length - cells / 2);
    const alone = new Set(groups.filter(({ params }) => params === 1).map(({ parameters }) => parameters[0]));
    t.true(gates.every((gate) => alone.has(gate.name)));
  });
}

/** Logits of the native engine for the same random images, every time. */
async function logits(graph: Graph, batch = 2): Promise<Float32Array> {
  const { program, layout } = compileInference(graph, { batch });
  using session = await Session.open(program);
  session.write('parameters', packWeights(layout, graph, initialWeights(graph, 0)));
  const [input] = graph.inputs as readonly [Value];
  const stream = random(1);
  const length = batch * elements(input.type.shape.slice(1));
  const outputs = await session.run('infer', {
    [input.name]: Float32Array.from({ length }, () => stream.normal()),
  });
  return outputs[graph.outputs[0]?.name as string] as Float32Array;
}

for (const name of ['darts-8', 'demosupnet']) {
  test(`${name} starts as the same function with gates, bit for bit`, async (t) => {
    const graph = buildModel(name, { input: [1, 16, 16], width: 8 });
    t.deepEqual(await logits(addGates(graph).graph), await logits(graph));
  });
}

/** The loss of the first step. */
async function firstLoss(gates: boolean): Promise<number> {
  const losses: number[] = [];
  const onProgress = (event: Progress) => void (event.kind === 'step' && losses.push(event.loss));
  await search(tinyNetwork(), tinyDataset, { gates, steps: 1, batch: 8, threads: 1, onProgress });
  return losses[0] as number;
}

test('a training run with gates begins as the one without, to the last bit of the loss', async (t) => {
  t.is(await firstLoss(true), await firstLoss(false));
});

test('a search with gates meets its target and leaves no more of them than it must', async (t) => {
  const { summary, supernet, subnet } = await search(tinyNetwork(), tinyDataset, {
    gates: true,
    target: { kind: 'count', count: 4 },
    epochs: 3,
    batch: 8,
    learningRate: 0.05,
    threads: 1,
  });
  // Three branches and a skip into a sum, of which one must stay, and one into a concatenation.
  t.is(searchSpace(supernet.graph).groups.length, 5);
  t.is(summary?.erased.length, 4);
  // With one branch left nothing but a gate reads the stem, and a positive one goes into its batch norm.
  const [left] = gatesLeft(subnet ?? t.fail());
  t.true(left === undefined || (supernet.weights.get(left)?.[0] as number) < 0);
});

test('a gate that is zero in an ONNX file is a group that construction erases', async (t) => {
  const { graph, gates } = addGates(pooled);
  const weights = new Map([...randomWeights(graph, 1), ['mean.gate', Float32Array.of(0)]]);
  const read = fromOnnx(toOnnx(graph, weights));
  t.deepEqual(
    searchSpace(read).groups.flatMap(({ parameters }) => parameters.filter((name) => name.endsWith('.gate'))),
    gates.map(({ name }) => name),
  );
  const { graph: left, summary } = await constructVerified(read);
  t.is(summary.erased.length, 1);
  t.deepEqual(gatesLeft({ graph: left }), ['peak.gate']);
});

test('on DARTS with gates any number of groups is reached by any walk, and verified', async (t) => {
  const { graph } = addGates(darts(3, { input: [1, 8, 8], classes: 10, width: 8 }));
  const space = searchSpace(graph);
  const stream = random(5);
  for (const count of [3, 60, space.maxRemovable]) {
    const selection = walk(space, count, (bound) => stream.below(bound));
    t.is(new Set(selection).size, count);
    t.true(isValid(space.skeleton, setOf(space, selection)));
    const { summary } = await constructVerified(graph, selection);
    t.is(summary.erased.length, count);
  }
  t.throws(() => beginSelection(space, { kind: 'count', count: space.maxRemovable + 1 }), {
    code: 'ERR_TARGET',
  });
});

/** Takes random groups that may be taken; where the first picks may not, asks for all that may. */
function walk(space: SearchSpace, count: number, below: (bound: number) => number): readonly number[] {
  let selection = beginSelection(space, { kind: 'count', count });
  while (!isComplete(selection)) {
    const picks = Array.from({ length: 4 }, () => below(space.groups.length));
    const next = picks.map((group) => tryTake(selection, group)).find((found) => found !== null);
    const offered = next ? [] : candidates(selection);
    selection = next ?? take(selection, offered[below(offered.length)] as number);
  }
  return selection.taken;
}

/** Valid sets of groups of a random network: closures of random ones. */
function randomSets({ groups, skeleton }: SearchSpace, seed: number): readonly (readonly number[])[] {
  const stream = random(seed);
  return [0.3, 0.6].flatMap((share) => {
    const closed = closure(
      skeleton,
      Uint8Array.from(groups, () => (stream.uniform() < share ? 1 : 0)),
    );
    return closed ? [[...closed.keys()].filter((id) => closed[id])] : [];
  });
}

/** Gates at powers of two, so that multiplying float32 weights by them rounds nothing. */
const roundGates = (weights: Weights, gates: ReadonlySet<string>): Weights =>
  new Map(
    [...weights].map(([name, data]) => [
      name,
      gates.has(name) ? data.map((x) => Math.sign(x) * 2 ** Math.round(Math.log2(Math.abs(x)))) : data,
    ]),
  );

test('a sub-network with folded gates computes what the zeroed network with gates does', (t) => {
  let folded = 0;
  fc.assert(
    fc.property(networks({ length: 8 }), fc.nat(), ({ graph }, seed) => {
      const gated = addGates(graph);
      const space = searchSpace(gated.graph);
      const gates = new Set(gated.gates.map(({ name }) => name));
      for (const erased of [[], ...randomSets(space, seed)]) {
        const weights = zeroed(space, roundGates(randomWeights(gated.graph, seed), gates), erased);
        const subnet = constructSubnet(space, erased);
        const result = foldGates(subnet.graph, subnet.carry(weights), gates);
        folded += subnet.graph.parameters.length - result.graph.parameters.length;
        const found = relativeDifference(
          forward(gated.graph, weights),
          forward(result.graph, result.weights),
        );
        if (!(found <= TOLERANCE)) throw new Error(`erasing ${erased.join()} differs by ${found}`);
      }
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
  t.true(folded > 0, 'no gate was ever folded');
});

/** Folds the gates of a network whose other branches are given; the gates that stay, by name. */
function fold(graph: Graph, values: Readonly<Record<string, number>>): ReturnType<typeof foldGates> {
  const gated = addGates(graph);
  const weights = new Map([
    ...randomWeights(gated.graph, 1),
    ...Object.entries(values).map(([name, value]) => [name, Float32Array.of(value)] as const),
  ]);
  return foldGates(gated.graph, weights, new Set(gated.gates.map(({ name }) => name)));
}

test('a gate is not folded into weights that something else reads', (t) => {
  t.deepEqual(gatesLeft(fold(pooled, { 'peak.gate': 0.5, 'mean.gate': 2 })), ['peak.gate', 'mean.gate']);
});

test('a gate that is one goes without a trace', (t) => {
  const result = fold(pooled, { 'peak.gate': 1, 'mean.gate': 2 });
  t.deepEqual(gatesLeft(result), ['mean.gate']);
  t.false(result.graph.nodes.some(({ name }) => name === 'peak.gated'));
});

/** After erasing one of the two poolings the other is all that reads `fork`. */
function onlyPooling(name: 'peak' | 'mean', gate: number) {
  const gated = addGates(pooled);
  const space = searchSpace(gated.graph);
  const other = name === 'peak' ? 'mean' : 'peak';
  const erased = space.groups.filter(({ parameters }) => parameters.includes(`${other}.gate`));
  const subnet = constructSubnet(
    space,
    erased.map(({ id }) => id),
  );
  const weights = new Map([...randomWeights(gated.graph, 1), [`${name}.gate`, Float32Array.of(gate)]]);
  const before = subnet.carry(weights);
  const result = foldGates(subnet.graph, before, new Set([`${name}.gate`]));
  return { before, ...result };
}

test('the gate of the only reader is folded into the weight and the bias before it', (t) => {
  for (const [name, gate] of [
    ['peak', 0.5],
    ['mean', -2],
  ] as const) {
    const { before, weights, graph } = onlyPooling(name, gate);
    t.deepEqual(gatesLeft({ graph }), []);
    for (const parameter of ['fork.weight', 'fork.bias']) {
      t.deepEqual(
        weights.get(parameter),
        before.get(parameter)?.map((value) => value * gate),
      );
    }
    t.deepEqual(weights.get('stem.weight'), before.get('stem.weight'));
  }
});

test('a negative gate does not pass a maximum', (t) => {
  t.deepEqual(gatesLeft(onlyPooling('peak', -1)), ['peak.gate']);
});
