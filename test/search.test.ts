// The search space: segments and removable segments against the published ones of StackedUnets, and one
// small network for every rule about what can be removed, with the reason given where it cannot.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Graph, Value } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import * as ops from '../lib/ops/index.js';
import { opaque } from '../lib/ops/opaque.js';
import { inspectDocument } from '../lib/search/inspect.js';
import { printSearchSpace } from '../lib/search/print.js';
import { groupSpans, searchSpace, type SearchSpace, type Segment } from '../lib/search/space.js';
import { constructSubnet } from '../lib/search/subnet.js';
import { f32 } from '../lib/shape.js';

const conformance = join(
  dirname(fileURLToPath(import.meta.url)),
  '../../shared/conformance/stackedunets.json',
);

interface Published {
  readonly ops: Readonly<Record<string, string>>;
  readonly edges: readonly (readonly [number, number])[];
  readonly segments: readonly (readonly number[])[];
  readonly removable: readonly (readonly number[])[];
  readonly erased: readonly (readonly number[])[];
  readonly subnetwork: readonly number[];
}

/** The convolutions by which the right U-net halves its resolution. */
const STRIDED = new Set(['42', '45', '50']);

const layers: Readonly<Record<string, (net: Network, inputs: readonly Value[], name: string) => Value>> = {
  conv: (net, [x], name) => net.conv(x as Value, 4, { name, stride: STRIDED.has(name) ? 2 : 1 }),
  batchnorm: (net, [x], name) => net.batchNorm(x as Value, { name }),
  relu: (net, [x], name) => net.relu(x as Value, { name }),
  maxpool: (net, [x], name) => net.maxPool(x as Value, { name }),
  resize: (net, [x], name) => net.resize(x as Value, { name, scale: 2 }),
  add: (net, inputs, name) => net.add(inputs, { name }),
  globalaveragepool: (net, [x], name) => net.globalAveragePool(x as Value, { name }),
  squeeze: (net, [x], name) => net.squeeze(x as Value, (x as Value).type.shape.length - 1, { name }),
  linear: (net, [x], name) => net.linear(x as Value, 10, { name }),
};

function publishedNetwork({ ops: kinds, edges }: Published): Graph {
  const net = new Network();
  const values = new Map<number, Value>([[-1, net.input('image', [1, 3, 32, 32])]]);
  for (const [id, kind] of Object.entries(kinds)) {
    const inputs = edges.filter(([, to]) => to === Number(id)).map(([from]) => values.get(from) as Value);
    values.set(Number(id), layers[kind]?.(net, inputs, id) as Value);
  }
  return net.graph([values.get(82) as Value]);
}

const namesOf = (segments: readonly Segment[]): readonly string[] =>
  segments.map(({ nodes }) => nodes.map((node) => node.name).join()).toSorted();

const published = existsSync(conformance) ? test : test.skip; // the conformance data lie beside a checkout

const joined = (lists: readonly (readonly number[])[]): readonly string[] =>
  lists.map((list) => list.join()).toSorted();

published('StackedUnets has the published segments, removable segments and sub-network', (t) => {
  const data = JSON.parse(readFileSync(conformance, 'utf8')) as Published;
  const space = searchSpace(publishedNetwork(data));
  t.deepEqual(namesOf(space.segments), joined(data.segments));
  t.deepEqual(namesOf(space.segments.filter((segment) => segment.removable)), joined(data.removable));
  t.is(space.maxRemovable, 5);
  const erased = joined(data.erased);
  const groups = space.groups.filter(({ segments }) =>
    erased.includes(namesOf([space.segments[segments[0] as number] as Segment]).join()),
  );
  t.is(groups.length, 4);
  const subnet = constructSubnet(
    space,
    groups.map((group) => group.id),
  );
  t.deepEqual(
    subnet.graph.nodes.map((node) => Number(node.name)),
    data.subnetwork,
  );
});

/** A network with one input of 4 channels; `body` returns its outputs. */
function space(body: (net: Network, x: Value) => readonly Value[]): SearchSpace {
  const net = new Network();
  return searchSpace(net.graph(body(net, net.input('x', [1, 4, 4, 4]))));
}

/** The segment that ends with node `name`. */
function ending({ segments }: SearchSpace, name: string): Segment {
  const segment = segments.find(({ nodes }) => nodes.at(-1)?.name === name);
  if (!segment) throw new Error(`no segment ends with '${name}'`);
  return segment;
}

const reason = (given: SearchSpace, name: string): string => ending(given, name).reason;

test('segments are found breadth first, and name the segments that read them', (t) => {
  const found = space((net, x) => {
    const a = net.conv(x, 4, { name: 'a' });
    const left = net.relu(net.conv(a, 4, { name: 'left' }), { name: 'act' });
    const right = net.conv(a, 4, { name: 'right' });
    return [net.conv(net.add([left, right], { name: 'sum' }), 4, { name: 'end' })];
  });
  t.deepEqual(
    found.segments.map(({ nodes, next, removable }) => [
      nodes.map((node) => node.name).join(),
      next,
      removable,
    ]),
    [
      ['a', [1, 2], false],
      ['left,act', [3], true],
      ['right', [3], true],
      ['sum', [4], false],
      ['end', [], false],
    ],
  );
  t.deepEqual(found.groups[0]?.parameters, ['left.weight', 'left.bias']);
  t.is(found.groups[0]?.params, 4 * 4 * 9 + 4);
  t.is(found.maxRemovable, 1);
});

test('every segment that stays says why', (t) => {
  const found = space((net, x) => {
    const stem = net.relu(net.conv(x, 4, { name: 'stem' }));
    const pool = net.maxPool(stem, { kernel: 1, name: 'pool' });
    const gate = net.sigmoid(net.conv(stem, 4), { name: 'gate' });
    net.conv(stem, 4, { name: 'unread' });
    const seen = net.conv(stem, 4, { name: 'seen' });
    const sum = net.add([pool, gate, seen, stem], { name: 'sum' });
    return [net.conv(sum, 2, { name: 'head' }), seen];
  });
  t.is(reason(found, 'relu'), "its successor 'pool' (MaxPool) would have no input");
  t.is(reason(found, 'pool'), 'it has no trainable parameters; --gates gives it one');
  t.is(reason(found, 'gate'), "its result is not zero when its parameters are, because of 'gate' (Sigmoid)");
  t.is(reason(found, 'unread'), "nothing reads 'unread'");
  t.is(reason(found, 'seen'), "'seen' is an output of the network");
  t.is(reason(found, 'sum'), "several branches meet in 'sum'");
  t.is(found.groups.length, 0);
  t.is(found.maxRemovable, 0);
});

test('a frozen bias keeps a segment from becoming zero', (t) => {
  const found = space((net, x) => {
    const weight = net.parameter('w', [4, 4, 1, 1], { kind: 'normal', deviation: 1 });
    const bias = net.parameter('b', [4], { kind: 'constant', value: 1 }, false);
    const op = ops.conv({ strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });
    return [net.add([net.relu(x), net.apply(op, [x, weight, bias], { name: 'frozen' })])];
  });
  t.is(reason(found, 'frozen'), "its result is not zero when its parameters are, because of 'frozen' (Conv)");
});

test('neither a product nor a concatenation along another axis does without an input', (t) => {
  const found = space((net, x) => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => net.conv(x, 4, { name })) as [
      Value,
      Value,
      Value,
      Value,
    ];
    const product = net.apply(ops.multiply(), [a, b], { name: 'product' });
    const tall = net.concat([c, d], { axis: 2, name: 'tall' });
    return [net.conv(product, 1), net.conv(tall, 1)];
  });
  t.is(reason(found, 'b'), "its successor 'product' (Mul) needs all of its inputs");
  t.is(reason(found, 'd'), "'tall' joins along axis 2, not along channels");
});

test('a node that is not understood keeps what it reads and what it is made of', (t) => {
  const mystery = opaque('Mystery', [f32([1, 4, 4, 4])], { reason: 'it is not known', follows: false });
  const found = space((net, x) => {
    const a = net.conv(x, 4, { name: 'a' });
    const read = net.apply(mystery, [a], { name: 'reader' });
    const part = net.apply(mystery, [net.conv(a, 4)], { name: 'part' });
    return [net.add([a, read, part])];
  });
  t.is(reason(found, 'a'), "its successor 'reader' (Mystery) is not understood: it is not known");
  t.is(reason(found, 'part'), "'part' (Mystery) in it is not understood: it is not known");
});

test('a sum that broadcasts keeps its full-size term and can lose the small one', (t) => {
  const found = space((net, x) => {
    const full = net.conv(x, 4, { name: 'full' });
    const small = net.conv(net.globalAveragePool(x), 4, { name: 'small', kernel: 1 });
    return [net.conv(net.apply(ops.add(), [full, small], { name: 'sum' }), 2)];
  });
  t.is(reason(found, 'full'), "the sum 'sum' would lose its shape [1,4,4,4] without it");
  t.true(ending(found, 'small').removable);
  t.is(found.maxRemovable, 1);
});

/** concat(a: 3 channels, b: 5 channels) -> `then`. */
const concatThen = (then: (net: Network, joined: Value) => readonly Value[]): SearchSpace =>
  space((net, x) => {
    const parts = [net.conv(x, 3, { name: 'a' }), net.conv(x, 5, { name: 'b' })];
    return then(net, net.concat(parts, { name: 'cat' }));
  });

test('scale and bias of a batch normalisation after a concatenation go with the channels', (t) => {
  const found = concatThen((net, joined) => [net.conv(net.relu(net.batchNorm(joined, { name: 'bn' })), 2)]);
  t.deepEqual(inspectDocument(found, 'm').groups, [
    {
      id: 0,
      segment: 0,
      params: 3 * 36 + 3 + 6,
      parameters: ['a.weight', 'a.bias', 'bn.weight[0:3]', 'bn.bias[0:3]'],
    },
    {
      id: 1,
      segment: 1,
      params: 5 * 36 + 5 + 10,
      parameters: ['b.weight', 'b.bias', 'bn.weight[3:8]', 'bn.bias[3:8]'],
    },
  ]);
  const offsets: Readonly<Record<string, number>> = {
    'b.weight': 0,
    'b.bias': 200,
    'bn.weight': 300,
    'bn.bias': 400,
  };
  t.deepEqual(
    groupSpans(found.groups[1] as never, (name) => offsets[name] as number),
    [
      { offset: 0, length: 180, stride: 1 },
      { offset: 200, length: 5, stride: 1 },
      { offset: 303, length: 5, stride: 1 },
      { offset: 403, length: 5, stride: 1 },
    ],
  );
  const { graph } = constructSubnet(found, [0]);
  t.deepEqual(
    graph.parameters.map(({ name, type }) => [name, type.shape]),
    [
      ['b.weight', [5, 4, 3, 3]],
      ['b.bias', [5]],
      ['bn.weight', [5]],
      ['bn.bias', [5]],
      ['bn.running_mean', [5]],
      ['bn.running_var', [5]],
      ['conv.weight', [2, 5, 3, 3]],
      ['conv.bias', [2]],
    ],
  );
  t.false(graph.nodes.some((node) => node.name === 'cat'));
});

test('only the bias of a depthwise convolution goes with the channels', (t) => {
  const found = concatThen((net, joined) => [net.conv(net.conv(joined, 8, { groups: 8, name: 'deep' }), 2)]);
  t.deepEqual(found.groups[0]?.parameters, ['a.weight', 'a.bias', 'deep.bias']);
  const { graph } = constructSubnet(found, [1]);
  t.deepEqual(graph.nodes.find((node) => node.name === 'deep')?.op.attrs['groups'], 3);
});

test('flattened channels take their columns of a linear layer along', (t) => {
  const found = concatThen((net, joined) => [net.linear(net.flatten(net.maxPool(joined)), 2)]);
  const { graph, carry } = constructSubnet(found, [0]);
  t.deepEqual(graph.parameters.find((p) => p.name === 'linear.weight')?.type.shape, [2, 20]);
  const carried = carry(new Map([['linear.weight', Float32Array.from({ length: 64 }, (_, index) => index)]]));
  t.deepEqual([...carried.keys()], ['linear.weight']);
  t.deepEqual(
    [...(carried.get('linear.weight') ?? [])],
    [...Array.from({ length: 20 }, (_, i) => 12 + i), ...Array.from({ length: 20 }, (_, i) => 44 + i)],
  );
});

test('what cannot lose channels keeps the inputs of a concatenation', (t) => {
  const cannot = "the channels that it gives to 'cat' cannot be taken out of ";
  const softmax = concatThen((net, joined) => [
    net.conv(net.apply(ops.softmax(1), [joined], { name: 'soft' }), 2),
  ]);
  t.is(reason(softmax, 'a'), `${cannot}'soft' (Softmax)`);
  const output = concatThen((net, joined) => [net.relu(joined, { name: 'seen' })]);
  t.is(reason(output, 'a'), `${cannot}'seen' (Relu, an output of the network)`);
  const grouped = concatThen((net, joined) => [net.conv(joined, 8, { groups: 2, name: 'pairs' })]);
  t.is(reason(grouped, 'b'), `${cannot}'pairs' (Conv, an output of the network)`);
  const added = concatThen((net, joined) => [
    net.conv(net.add([joined, net.conv(joined, 8, { name: 'mix' })], { name: 'sum' }), 2),
  ]);
  t.is(reason(added, 'a'), `${cannot}'sum' (Add), whose other input 'mix' keeps all of its channels`);
});

/** Channels times what a layer of their means says, as in squeeze-excitation. */
function excite(net: Network, x: Value, layer: (means: Value) => Value): Value {
  const gate = net.sigmoid(layer(net.globalAveragePool(x)), { name: 'gate' });
  return net.conv(net.multiply(x, gate, { name: 'scale' }), 2);
}

test('channels are taken out of an excitation and its factors together, where the factors lose them too', (t) => {
  const found = concatThen((net, joined) => [
    excite(net, joined, (means) => net.conv(means, 8, { kernel: 1, groups: 8, name: 'each' })),
  ]);
  // The factors of lost channels are sigmoid(0), but they multiply channels that are zero.
  t.is(reason(found, 'a'), '');
  const { graph } = constructSubnet(found, [0]);
  const shapes = new Map(graph.nodes.map(({ name, outputs: [y] }) => [name, y?.type.shape]));
  t.deepEqual(
    [shapes.get('gate'), shapes.get('scale')],
    [
      [1, 5, 1, 1],
      [1, 5, 4, 4],
    ],
  );
});

test('channels are not taken out of an excitation whose factors are made of all channels', (t) => {
  const found = concatThen((net, joined) => [
    excite(net, joined, (means) =>
      net.conv(net.relu(net.conv(means, 2, { kernel: 1 })), 8, { kernel: 1, name: 'expand' }),
    ),
  ]);
  t.is(
    reason(found, 'a'),
    "the channels that it gives to 'cat' cannot be taken out of 'scale' (Mul), " +
      "whose other input 'gate' keeps all of its channels",
  );
});

/** Two branches, and their concatenation joined to itself `times` times, each of twice as many channels. */
const doubled = (times: number): SearchSpace =>
  concatThen((net, joined) => {
    let wide = joined;
    for (let count = 0; count < times; count += 1) wide = net.concat([wide, wide]);
    return [net.relu(wide)];
  });

test('more channels than can be followed keep the inputs of a concatenation', (t) => {
  const tooMany = "the channels that it gives to 'cat' are too many to follow";
  t.not(reason(doubled(8), 'a'), tooMany);
  const many = doubled(24);
  t.is(reason(many, 'a'), tooMany);
  t.is(reason(many, 'b'), tooMany);
});

test('channels that would not stay zero keep the inputs of a concatenation', (t) => {
  const found = concatThen((net, joined) => [net.conv(net.sigmoid(joined, { name: 'gate' }), 2)]);
  t.is(reason(found, 'a'), "the channels that it gives to 'cat' would not stay zero in 'gate' (Sigmoid)");
});

test('parameters that channels share with another use keep the inputs of a concatenation', (t) => {
  const found = space((net, x) => {
    const weight = net.parameter('w', [2, 8, 1, 1], { kind: 'normal', deviation: 1 });
    const op = ops.conv({ strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });
    const joined = net.concat([net.conv(x, 3, { name: 'a' }), net.conv(x, 5, { name: 'b' })], {
      name: 'cat',
    });
    return [net.apply(op, [joined, weight]), net.apply(op, [net.conv(x, 8), weight])];
  });
  t.is(
    reason(found, 'a'),
    "the channels that it gives to 'cat' would be taken out of 'w' in one of its uses only",
  );
});

test('a slice that another removable segment can spare changes hands', (t) => {
  const found = space((net, x) => {
    const joined = net.concat([net.conv(x, 3, { name: 'a' }), net.conv(x, 5, { name: 'b' })], {
      name: 'cat',
    });
    const dense = net.conv(net.relu(net.batchNorm(joined, { name: 'bn' })), 4, { name: 'dense' });
    return [net.conv(net.add([x, dense]), 2)];
  });
  t.deepEqual(found.groups[0]?.parameters, ['a.weight', 'a.bias', 'bn.weight', 'bn.bias']);
  t.deepEqual(found.groups[2]?.parameters, ['dense.weight', 'dense.bias']);
  t.is(found.maxRemovable, 3);
});

test('a slice that another removable segment needs whole keeps its claimant', (t) => {
  const found = space((net, x) => {
    const joined = net.concat([net.conv(x, 3, { name: 'a' }), net.conv(x, 5, { name: 'b' })], {
      name: 'cat',
    });
    const more = net.concat([net.batchNorm(joined, { name: 'bn' }), net.conv(x, 1, { name: 'c' })]);
    return [net.conv(more, 2)];
  });
  t.is(
    reason(found, 'a'),
    "its channels take part of 'bn.weight' along, which another removable segment needs whole",
  );
  t.true(ending(found, 'bn').removable);
});

/** Two convolutions that share a weight; `last` makes the result of the second. */
const sharing = (last: (net: Network, x: Value, second: Value) => Value): SearchSpace =>
  space((net, x) => {
    const weight = net.parameter('w', [4, 4, 1, 1], { kind: 'normal', deviation: 1 });
    const op = ops.conv({ strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });
    const first = net.add([x, net.apply(op, [x, weight], { name: 'first' })]);
    return [last(net, first, net.apply(op, [first, weight], { name: 'second' }))];
  });

test('segments that share a parameter are one group', (t) => {
  const found = sharing((net, x, second) => net.add([x, second]));
  t.is(found.groups.length, 1);
  t.is(found.groups[0]?.segments.length, 2);
  t.is(found.groups[0]?.params, 16);
  t.is(constructSubnet(found, [0]).graph.parameters.length, 0);
});

test('a segment that shares a parameter with one that stays must stay', (t) => {
  const found = sharing((net, _, second) => net.conv(second, 2, { name: 'end' }));
  t.is(
    reason(found, 'first'),
    "it shares parameters with the segment of 'end', which cannot be removed: 'end' is an output of the network",
  );
});

test('parameters behind constants belong to the segment that reads them', (t) => {
  const found = space((net, x) => {
    const flat = net.parameter('flat', [16], { kind: 'normal', deviation: 1 });
    const weight = net.reshape(flat, [4, 4, 1, 1], { name: 'unflatten' });
    const op = ops.conv({ strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });
    return [net.add([net.relu(x), net.apply(op, [x, weight], { name: 'derived' })], { name: 'sum' })];
  });
  t.deepEqual(found.groups[0]?.parameters, ['flat']);
  const { graph } = constructSubnet(found, [0]);
  t.deepEqual(
    graph.nodes.map((node) => node.name),
    ['relu', 'sum'],
  );
  t.is(graph.parameters.length, 0);
});

test('an output that is a joint keeps its name when one input is left', (t) => {
  const found = space((net, x) => [net.add([net.relu(x), net.conv(x, 4)], { name: 'result' })]);
  t.deepEqual(
    constructSubnet(found, [0]).graph.outputs.map((value) => value.name),
    ['result'],
  );
});

test('a network of several inputs and outputs keeps them all', (t) => {
  const net = new Network();
  const [a, b] = [net.input('a', [1, 4, 4, 4]), net.input('b', [1, 4, 4, 4])];
  const sum = net.add([net.conv(a, 4, { name: 'fromA' }), net.conv(b, 4, { name: 'fromB' })]);
  const found = searchSpace(
    net.graph([net.conv(sum, 2, { name: 'one' }), net.conv(sum, 3, { name: 'two' })]),
  );
  t.is(found.maxRemovable, 1);
  const { graph, erased } = constructSubnet(found, [1]);
  t.deepEqual(
    graph.inputs.map((value) => value.name),
    ['a', 'b'],
  );
  t.deepEqual(
    graph.nodes.map((node) => node.name),
    ['fromA', 'one', 'two'],
  );
  t.deepEqual(erased, [1]);
});

test('an erasure that leaves no valid network is refused with the reason', (t) => {
  const found = space((net, x) => {
    const inner = net.add([net.conv(x, 4, { name: 'a' }), net.conv(x, 4, { name: 'b' })], { name: 'inner' });
    const outer = net.add([net.conv(inner, 4, { name: 'c' }), net.conv(x, 4, { name: 'd' })], {
      name: 'outer',
    });
    return [net.conv(outer, 2, { name: 'end' })];
  });
  const id = (name: string) =>
    found.groups.find((g) => g.parameters.includes(`${name}.weight`))?.id as number;
  const erase = (...names: string[]) => constructSubnet(found, names.map(id));
  t.throws(() => erase('a', 'b', 'c', 'd'), {
    code: 'ERR_TARGET',
    message: /no data reaches the output 'end'/,
  });
  t.throws(() => erase('a', 'b'), {
    code: 'ERR_TARGET',
    message: new RegExp(`'c' would add a constant to 'outer'; erase group ${id('c')} as well`),
  });
  t.throws(() => constructSubnet(found, [9]), {
    code: 'ERR_OPTION',
    message: /no group 9: ids go from 0 to 3/,
  });
  t.is(erase('a', 'b', 'c').graph.nodes.length, 2);
});

test('what lies behind an erased segment goes with it', (t) => {
  const found = space((net, x) => {
    const before = net.conv(net.relu(net.conv(x, 4, { name: 'deep' })), 4, { name: 'deeper' });
    const inner = net.add([before, net.conv(before, 4, { name: 'side' })]);
    return [net.add([net.relu(x, { name: 'skip' }), net.conv(inner, 4, { name: 'last' })], { name: 'sum' })];
  });
  const last = found.groups.find((group) => group.parameters.includes('last.weight'));
  t.deepEqual(
    constructSubnet(found, [last?.id as number]).graph.nodes.map((node) => node.name),
    ['skip', 'sum'],
  );
});

test('nothing erased is the network itself, less what reaches no output', (t) => {
  const found = space((net, x) => {
    net.conv(x, 4, { name: 'unread' });
    return [net.add([net.relu(x), net.conv(x, 4)])];
  });
  const { graph } = constructSubnet(found.graph, []);
  t.deepEqual(
    graph.nodes.map((node) => node.name),
    ['relu', 'conv', 'add'],
  );
});

test('the inspect document has the form that other tools read', (t) => {
  const found = space((net, x) => [net.add([net.relu(x), net.conv(x, 4, { kernel: 1 })], { name: 'sum' })]);
  t.deepEqual(JSON.parse(JSON.stringify(inspectDocument(found, 'small'))), {
    model: 'small',
    inputs: [{ name: 'x', shape: [1, 4, 4, 4] }],
    outputs: [{ name: 'sum', shape: [1, 4, 4, 4] }],
    params: 20,
    macs: 256,
    unsupported: { operators: [], dependents: 0 },
    segments: [
      {
        id: 0,
        nodes: ['relu'],
        ops: ['Relu'],
        next: [2],
        params: 0,
        removable: false,
        reason: 'it has no trainable parameters; --gates gives it one',
      },
      { id: 1, nodes: ['conv'], ops: ['Conv'], next: [2], params: 20, removable: true, reason: '' },
      {
        id: 2,
        nodes: ['sum'],
        ops: ['Add'],
        next: [],
        params: 0,
        removable: false,
        reason: "several branches meet in 'sum'",
      },
    ],
    groups: [{ id: 0, segment: 1, params: 20, parameters: ['conv.weight', 'conv.bias'] }],
    maxRemovable: 1,
  });
});

test('a search space prints one line a segment and a group', (t) => {
  const found = space((net, x) => [net.add([net.relu(x), net.conv(x, 4, { kernel: 1 })], { name: 'sum' })]);
  t.is(
    printSearchSpace(found),
    [
      'segment 0 [relu] -> 2: 0 parameters, stays: it has no trainable parameters; --gates gives it one',
      'segment 1 [conv] -> 2: 20 parameters, removable',
      "segment 2 [sum] -> end: 0 parameters, stays: several branches meet in 'sum'",
      'group 0 = segment 1: conv.weight, conv.bias',
      'at most 1 of 1 groups can go together',
      '',
    ].join('\n'),
  );
});

test('a network of 20,000 nodes is analysed without exhausting the stack', (t) => {
  const found = space((net, x) => {
    let y = x;
    for (let block = 0; block < 4000; block += 1) {
      const branch = net.relu(net.conv(net.relu(y), 4, { kernel: 1 }));
      y = net.add([y, branch, net.relu(y)]);
    }
    return [net.conv(y, 2)];
  });
  t.is(found.segments.length, 3 * 4000 + 1);
  t.is(found.maxRemovable, 4000);
  t.is(constructSubnet(found, []).graph.nodes.length, 20_001);
});
