// Random super-networks for property tests, and what is needed to compare a sub-network with its
// zeroed super-network: random weights and a forward pass in float64.

import fc from 'fast-check';
import { compileInference } from '../lib/compile/inference.js';
import { arenaLayout, offsetOf, packWeights, unpackWeights } from '../lib/compile/layout.js';
import { print, type Graph, type Parameter, type Value } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import * as ops from '../lib/ops/index.js';
import { random } from '../lib/random.js';
import { addGates } from '../lib/search/gates.js';
import { groupSpans, type SearchSpace } from '../lib/search/space.js';
import { elements } from '../lib/shape.js';
import type { Weights } from '../lib/weights.js';
import { ReferenceSession } from './reference.js';

/**
 * How often properties are tried. The suite tries the same networks every time; a larger number in
 * HALFSPACE_PROPERTY_RUNS tries that many new ones.
 */
export function trials(runs: number): fc.Parameters<[RandomNetwork, number]> {
  const asked = process.env['HALFSPACE_PROPERTY_RUNS'];
  const common = { includeErrorInReport: true };
  return asked ? { ...common, numRuns: Number(asked) } : { ...common, numRuns: runs, seed: 1 };
}

/** Whether `check` passes, which throws where it does not, for `runs` random networks. */
export const holds = (
  options: NetworkOptions,
  runs: number,
  check: (graph: Graph, seed: number) => void,
): void =>
  fc.assert(
    fc.property(networks(options), fc.nat(), ({ graph }, seed) => check(graph, seed)),
    trials(runs),
  );

/** What to add next; `picks` choose among the values there are, so that any list means a network. */
interface Instruction {
  readonly kind: Kind;
  readonly picks: readonly [number, number, number];
}

const SIZE = 2;

type Step = (net: Network, values: readonly Value[], picks: Instruction['picks']) => Value;

const pick = (values: readonly Value[], index: number): Value => values[index % values.length] as Value;
const channels = (x: Value): number => x.type.shape[1] as number;

/** Values that fit to `x` in a sum, the latest first. */
const fitting = (values: readonly Value[], x: Value): readonly Value[] =>
  values.filter((value) => channels(value) === channels(x)).toReversed();

const branch = (net: Network, x: Value, bias: number): Value =>
  net.batchNorm(net.conv(x, channels(x), { kernel: 1, bias: bias % 2 === 0 }));

/** Steps of graphs in which every vertex with several inputs is a sum or a channel concatenation. */
const jointSteps = {
  conv: (net, values, [a, b, c]) =>
    net.conv(pick(values, a), 1 + (b % 3), { kernel: c % 2 === 0 ? 1 : 3, bias: c % 3 !== 0 }),
  residual: (net, values, [a, b]) => {
    const x = pick(values, a);
    return net.add([x, branch(net, x, b)]);
  },
  parallel: (net, values, [a, b, c]) => {
    const x = pick(values, a);
    const paths = [branch(net, x, b), net.relu(branch(net, x, c))];
    return net.add(c % 2 === 0 ? paths : [...paths, branch(net, branch(net, x, 0), 1)]);
  },
  wide: (net, values, [a, b, c]) => {
    const x = pick(values, a);
    const paths = [branch(net, x, b), net.conv(x, 2, { kernel: 1 }), net.relu(net.conv(x, 1, { kernel: 3 }))];
    return net.concat(paths.slice(c % 2));
  },
  nested: (net, values, [a, b, c]) => {
    const x = pick(values, a);
    const inner = net.add([branch(net, x, b), net.relu(branch(net, x, c))]);
    const joined = net.conv(net.concat([inner, branch(net, x, 1)]), channels(x), { kernel: 1, bias: false });
    return net.add([branch(net, x, c), b % 3 === 0 ? inner : joined, ...(c % 2 === 0 ? [x] : [])]);
  },
  input: (net, values, [a]) => {
    const image = net.input(`image${values.length}`, [1, 2, SIZE, SIZE]);
    return a % 2 === 0 ? image : net.relu(net.conv(image, 1 + (a % 3), { kernel: 3 }));
  },
  batchNorm: (net, values, [a]) => net.batchNorm(pick(values, a)),
  relu: (net, values, [a]) => net.relu(pick(values, a)),
  depthwise: (net, values, [a, b]) => {
    const x = pick(values, a);
    return net.conv(x, channels(x) * (channels(x) < 4 ? 1 + (b % 2) : 1), {
      groups: channels(x),
      bias: b % 3 !== 0,
    });
  },
  pool: (net, values, [a, b]) =>
    b % 2 === 0
      ? net.maxPool(pick(values, a), { kernel: 3, stride: 1, padding: 1 })
      : net.averagePool(pick(values, a), { kernel: 3, stride: 1, padding: 1 }),
  downAndUp: (net, values, [a]) => net.resize(net.maxPool(pick(values, a)), { scale: 2 }),
  sum: (net, values, [a, b, c]) => {
    const x = pick(values, a);
    const others = fitting(values, x);
    return net.add([x, pick(others, b), ...(c % 3 === 0 ? [pick(others, c)] : [])]);
  },
  concat: (net, values, [a, b, c]) => {
    const narrow = values.filter((value) => channels(value) <= 3); // or widths would explode
    return net.concat([pick(values, a), pick(narrow, b), ...(c % 3 === 0 ? [pick(narrow, c)] : [])]);
  },
} satisfies Record<string, Step>;

/** Steps that leave that class: products, constants made of zero, partial channels. */
const otherSteps = {
  sigmoid: (net, values, [a]) => net.sigmoid(pick(values, a)),
  multiply: (net, values, [a, b]) => {
    const x = pick(values, a);
    return net.apply(ops.multiply(), [x, pick(fitting(values, x), b)]);
  },
  gate: (net, values, [a, b]) => {
    const x = pick(values, a);
    const groups = b % 3 === 0 ? channels(x) : 1;
    const gate = net.sigmoid(
      net.conv(net.globalAveragePool(x), channels(x), { kernel: 1, groups, bias: b % 2 === 0 }),
    );
    return net.apply(ops.multiply(), [x, gate]);
  },
  broadcast: (net, values, [a, b]) => {
    const x = pick(values, a);
    return net.apply(ops.add(), [branch(net, x, b), net.globalAveragePool(net.conv(x, channels(x)))]);
  },
  perChannel: (net, values, [a, b]) => {
    const x = pick(values, a);
    const means = net.globalAveragePool(pick(fitting(values, x), b));
    const term = b % 2 === 0 ? branch(net, means, b) : means;
    return net.apply(ops.add(), b % 3 === 0 ? [term, x] : [x, term]);
  },
  stacked: (net, values, [a, b, c]) => {
    const x = pick(values, a);
    const axis = 2 + (c % 2);
    const tall = net.apply(ops.concat(axis), [branch(net, x, b), pick(fitting(values, x), b)]);
    return net.apply(ops.slice({ axes: [axis], starts: [1], sizes: [SIZE] }), [tall]);
  },
  features: (net, values, [a, b, c]) => {
    const parts = [pick(values, a), branch(net, pick(values, b), c), pick(values, c)];
    const rows = parts.slice(b % 2).map((x) => net.flatten(c % 3 === 0 ? x : net.globalAveragePool(x)));
    const hidden = net.relu(net.linear(net.concat(rows), 2 * SIZE * SIZE));
    return net.apply(ops.reshape([0, 2, SIZE, SIZE]), [hidden]);
  },
  slice: (net, values, [a, b]) => {
    const x = pick(values, a);
    const start = b % channels(x);
    return net.apply(ops.slice({ axes: [1], starts: [start], sizes: [channels(x) - start] }), [x]);
  },
  product: (net, values, [a, b]) => {
    const x = pick(values, a);
    return net.apply(ops.matmul(), [net.apply(ops.softmax(3), [x]), pick(fitting(values, x), b)]);
  },
  weighted: (net, values, [a, b]) => {
    const columns = net.parameter('columns', [SIZE, SIZE], { kind: 'normal', deviation: 1 });
    const product = net.apply(ops.matmul(), [pick(values, a), columns]);
    return b % 2 === 0 ? product : net.add([pick(fitting(values, product), 0), product]);
  },
  split: (net, values, [a]) => {
    const x = pick(values, a);
    const first = Math.ceil(channels(x) / 2);
    return net.apply(
      ops.split(
        1,
        [first, channels(x) - first].filter((size) => size > 0),
      ),
      [x],
    );
  },
} satisfies Record<string, Step>;

const steps: Readonly<Record<string, Step>> = { ...jointSteps, ...otherSteps };
type Kind = keyof typeof jointSteps | keyof typeof otherSteps | 'shared';

/** A graph that a failing property prints in full. */
export interface RandomNetwork {
  readonly graph: Graph;
}

export interface NetworkOptions {
  /** Only sums and channel concatenations join values. */
  readonly jointsOnly?: boolean;
  /** Parameters may be read by several nodes. */
  readonly sharing?: boolean;
  /** Branches without parameters have gates. */
  readonly gates?: boolean;
  /** As what is trained must have. */
  readonly oneInput?: boolean;
  readonly outputs?: number;
  /** The first result is given once more, and so is the input of the network. */
  readonly aliases?: boolean;
  readonly length?: number;
}

/** Networks of up to `length` steps; they shrink by losing steps. */
export function networks(options: NetworkOptions = {}): fc.Arbitrary<RandomNetwork> {
  const { jointsOnly = false, sharing = !jointsOnly, outputs = 1, length = 12 } = options;
  const all = [
    ...Object.keys(jointSteps),
    ...(jointsOnly ? [] : Object.keys(otherSteps)),
    ...(sharing ? ['shared'] : []),
  ] as Kind[];
  const kinds = options.oneInput ? all.filter((kind) => kind !== 'input') : all;
  const number = fc.nat(11);
  const instruction = fc.record({ kind: fc.constantFrom(...kinds), picks: fc.tuple(number, number, number) });
  return fc.array(instruction, { minLength: 1, maxLength: length }).map((list) => {
    const built = build(list, outputs);
    const { inputs, outputs: results } = built;
    const aliases = options.aliases ? [...results.slice(0, 1), ...inputs.slice(0, 1)] : [];
    const ended = { ...built, outputs: [...results, ...aliases] };
    const graph = options.gates ? addGates(ended).graph : ended;
    return { graph, [fc.toStringMethod]: () => print(graph) };
  });
}

function build(instructions: readonly Instruction[], outputs: number): Graph {
  const net = new Network();
  const values = [net.relu(net.conv(net.input('image', [1, 2, SIZE, SIZE]), 2, { kernel: 3 }))];
  const unread = new Set(values);
  let shared: Parameter | null = null;
  for (const { kind, picks } of instructions) {
    const before = [...values].toReversed(); // small picks mean recent values
    let made: Value;
    if (kind === 'shared') {
      shared ??= net.parameter('shared', [2, 2, 1, 1], { kind: 'normal', deviation: 1 });
      const x =
        pick(
          before.filter((value) => channels(value) === 2),
          picks[0],
        ) ?? values[0];
      made = net.apply(sharedConv, [x, shared]);
    } else {
      made = (steps[kind] as Step)(net, before, picks);
    }
    for (const value of ancestors(made)) unread.delete(value);
    values.push(made);
    unread.add(made);
  }
  return net.graph(heads(net, values, [...unread], outputs));
}

const sharedConv = ops.conv({ strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1 });

/** Everything that `value` was made of. */
function ancestors(value: Value): ReadonlySet<Value> {
  const found = new Set<Value>();
  const pending = [value];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (typeof next.origin === 'string') continue;
    for (const input of next.origin.inputs) {
      if (found.has(input)) continue;
      found.add(input);
      pending.push(input);
    }
  }
  return found;
}

/** The first result reads all values that nothing else reads; further ones read some value inside. */
function heads(net: Network, values: readonly Value[], unread: readonly Value[], count: number): Value[] {
  const joined = unread.length > 1 ? net.concat(unread) : (unread[0] as Value);
  const results = [net.linear(net.flatten(net.globalAveragePool(joined)), 2)];
  for (let extra = 1; extra < count; extra += 1) {
    const inside = values[Math.floor((values.length * extra) / count)] as Value;
    results.push(extra % 2 === 0 ? inside : net.conv(inside, 2, { kernel: 1 }));
  }
  return results;
}

/** Weights that leave nothing at zero or one: normal, and variances above a half. */
export const randomWeights = (graph: Graph, seed: number): Weights =>
  new Map(
    graph.parameters.map((parameter, index) => {
      const stream = random(seed, index);
      const length = elements(parameter.type.shape);
      const draw = parameter.name.endsWith('running_var')
        ? () => 0.5 + stream.uniform()
        : () => stream.normal();
      return [parameter.name, Float32Array.from({ length }, draw)];
    }),
  );

/** The weights with the members of `groups` at zero. */
export function zeroed({ graph, groups }: SearchSpace, weights: Weights, ids: readonly number[]): Weights {
  const layout = arenaLayout(graph);
  const arena = packWeights(layout, graph, weights);
  for (const id of ids) {
    for (const { offset, length, stride } of groupSpans(groups[id] as never, (name) =>
      offsetOf(layout, name),
    )) {
      for (let i = 0; i < length; i += 1) arena[offset + i * stride] = 0;
    }
  }
  return unpackWeights(layout, graph, arena);
}

/** All results of a network for random images, in float64, in the order of its outputs. */
export function forward(graph: Graph, weights: Weights, seed = 0, batch = 2): readonly Float64Array[] {
  const { program, layout } = compileInference(graph, { batch });
  const session = new ReferenceSession(program);
  session.write('parameters', packWeights(layout, graph, weights));
  const inputs = graph.inputs.map(({ name, type }, index) => {
    const stream = random(seed, index);
    const length = batch * elements(type.shape.slice(1));
    return [name, Float64Array.from({ length }, () => stream.normal())] as const;
  });
  const results = session.run('infer', Object.fromEntries(inputs));
  return graph.outputs.map(({ name }) => results[name] as Float64Array);
}

/** Largest difference over largest magnitude (at least 1). */
export function relativeDifference(
  expected: readonly Float64Array[],
  found: readonly Float64Array[],
): number {
  let difference = expected.length === found.length ? 0 : Infinity;
  let magnitude = 1;
  expected.forEach((values, output) => {
    if (values.length !== found[output]?.length) difference = Infinity;
    values.forEach((value, index) => {
      magnitude = Math.max(magnitude, Math.abs(value));
      difference = Math.max(difference, Math.abs(value - (found[output]?.[index] as number)));
    });
  });
  return difference / magnitude;
}
