// One table with applications of every operator, and the means to run one of them in float64. Tests of
// gradients, zeros and narrowing walk it; an operator that is not in it fails them.

import { assemble } from '../lib/compile/assemble.js';
import { lower, tensorFor } from '../lib/compile/lower.js';
import { GraphBuilder, type Graph, type Mode, type Op, type Value } from '../lib/graph.js';
import * as ops from '../lib/ops/index.js';
import { permutation, random } from '../lib/random.js';
import { elements, f32, type Shape, type TensorType } from '../lib/shape.js';
import { ReferenceSession } from './reference.js';

/** One application of an operator. */
export interface Case {
  readonly op: Op;
  readonly inputs: readonly TensorType[];
  /** How many inputs, from the first, carry data; the rest are parameters. All, unless told. */
  readonly data?: number;
  /** Inputs that the function wants positive: variances, divisors. */
  readonly positive?: readonly number[];
  /** Positions where the function has a kink, which inputs stay away from. */
  readonly kinks?: readonly number[];
  /** Fixed contents of an input that is not a real number. */
  readonly labels?: readonly number[];
  /** Makes one value of several results, for the gradient of all of them. */
  readonly join?: Op;
}

/** Whether the operator is a step: nothing flows back through it. */
export const isStep = ({ op }: Case): boolean => op.name === 'Greater' || op.name === 'GreaterOrEqual';

const image: Shape = [2, 4, 5, 6];
const of = (op: Op, ...shapes: Shape[]): Case => ({ op, inputs: shapes.map(f32) });
const map = (op: Op, ...kinks: number[]): Case => ({ ...of(op, image), kinks });
const layer = (op: Op, ...shapes: Shape[]): Case => ({ ...of(op, ...shapes), data: 1 });

const norm = (op: Op): Case => ({ ...layer(op, image, [4], [4], [4], [4]), positive: [4] });

const loss = (smoothing: number, labels: TensorType, contents: readonly number[]): Case => ({
  op: ops.softmaxCrossEntropy({ smoothing }),
  inputs: [f32([3, 4]), labels],
  labels: contents,
});
const classes: TensorType = { dtype: 'i32', shape: [3] };

/** Applications by the name of the factory. */
export const cases: Readonly<Record<string, readonly Case[]>> = {
  relu: [map(ops.relu(), 0)],
  leakyRelu: [map(ops.leakyRelu(0.2), 0)],
  elu: [map(ops.elu()), map(ops.elu(0.4), 0)],
  selu: [map(ops.selu(), 0)],
  celu: [map(ops.celu(0.7))],
  softplus: [map(ops.softplus())],
  mish: [map(ops.mish())],
  softsign: [map(ops.softsign())],
  prelu: [
    { ...layer(ops.prelu(), image, [4, 1, 1]), kinks: [0] },
    { ...layer(ops.prelu(), image, [1]), kinks: [0] },
    { ...layer(ops.prelu(), [3, 4], [4]), kinks: [0] },
  ],
  sigmoid: [map(ops.sigmoid())],
  tanh: [map(ops.tanh())],
  silu: [map(ops.silu())],
  gelu: [map(ops.gelu())],
  geluTanh: [map(ops.geluTanh())],
  abs: [map(ops.abs(), 0)],
  hardSigmoid: [map(ops.hardSigmoid(), -3, 3), map(ops.hardSigmoid(0.3, 0.4), -4 / 3, 2)],
  hardSwish: [map(ops.hardSwish(), -3, 3)],
  clip: [map(ops.clip(0, 6), 0, 6), map(ops.clip(-1, 2), -1, 2), map(ops.clip(0.5, 2), 0.5, 2)],
  affine: [map(ops.affine(-2, 0)), map(ops.affine(0.5, 1))],
  exp: [map(ops.exp())],
  log: [{ ...map(ops.log()), positive: [0] }],
  sqrt: [{ ...map(ops.sqrt()), positive: [0] }],
  erf: [map(ops.erf())],
  power: [map(ops.power(3)), { ...map(ops.power(-0.5)), positive: [0] }],
  add: [
    of(ops.add(), image, [2, 4, 1, 1]),
    of(ops.add(), [4, 1, 1], image),
    of(ops.add(), image, [6]),
    { ...of(ops.add(), [2, 4], [4]), data: 1 },
  ],
  subtract: [of(ops.subtract(), image, image), of(ops.subtract(), [1, 4, 1, 6], [2, 1, 5, 1])],
  multiply: [
    of(ops.multiply(), image, [2, 4, 1, 1]),
    of(ops.multiply(), image, image),
    { ...of(ops.multiply(), [4, 1, 1], image), data: 2 },
    of(ops.multiply(), image, []),
    layer(ops.multiply(), image, [1]),
  ],
  divide: [
    { ...of(ops.divide(), image, [4, 1, 1]), positive: [1] },
    { ...of(ops.divide(), [2, 1, 1, 6], image), positive: [1] },
  ],
  maximum: [of(ops.maximum(), image, image), of(ops.maximum(), image, [4, 1, 1])],
  minimum: [of(ops.minimum(), image, image), of(ops.minimum(), [2, 1, 5, 6], image)],
  greater: [of(ops.greater(), image, image), of(ops.greater(), image, [4, 1, 1])],
  greaterOrEqual: [of(ops.greaterOrEqual(), [6], image)],
  reject: [of(ops.reject(), image, image), of(ops.reject(), image, [4, 1, 1])],
  select: [of(ops.select(), image, image), of(ops.select(), image, [2, 1, 5, 6])],
  matmul: [
    of(ops.matmul(), [3, 4], [4, 5]),
    of(ops.matmul(), [2, 3, 3, 4], [2, 3, 4, 2]),
    of(ops.matmul(), [2, 3, 4], [4, 5]),
  ],
  softmax: [of(ops.softmax(1), image), of(ops.softmax(3), image)],
  layerNorm: [
    layer(ops.layerNorm({ axis: 3, epsilon: 1e-3 }), image, [6], [6]),
    layer(ops.layerNorm({ axis: 1 }), [3, 4, 2], [4, 2], [4, 2]),
    of(ops.layerNorm({ axis: 2, epsilon: 1e-3 }), image),
    of(ops.layerNorm({ axis: 1 }), [3, 4]),
  ],
  reduceSum: [
    of(ops.reduceSum({ axes: [2, 3] }), image),
    of(ops.reduceSum({ axes: [1], keep: false }), image),
  ],
  reduceMean: [
    of(ops.reduceMean({ axes: [3, 2], keep: false }), image),
    of(ops.reduceMean({ axes: [0, 2] }), image),
  ],
  transpose: [of(ops.transpose([0, 2, 3, 1]), image), of(ops.transpose([0, 1, 3, 2]), image)],
  conv: [
    layer(ops.conv({ padding: [1, 1, 1, 1] }), image, [3, 4, 3, 3], [3]),
    layer(ops.conv({ strides: [2, 3], padding: [0, 1, 2, 0] }), image, [3, 4, 2, 3]),
    layer(ops.conv({ dilations: [2, 1], padding: [2, 0, 1, 0], groups: 2 }), image, [6, 2, 3, 2], [6]),
    layer(ops.conv({ padding: [1, 1, 1, 1], groups: 4 }), image, [4, 1, 3, 3], [4]),
    layer(ops.conv({ groups: 4, strides: [2, 1] }), image, [8, 1, 2, 2]),
    layer(ops.conv({ epilogue: 'relu' }), image, [3, 4, 2, 2], [3]),
  ],
  linear: [
    layer(ops.linear(), [3, 4], [5, 4], [5]),
    layer(ops.linear(), [3, 4], [2, 4]),
    layer(ops.linear({ epilogue: 'relu' }), [3, 4], [5, 4], [5]),
  ],
  batchNorm: [norm(ops.batchNorm({ epsilon: 1e-3 })), norm(ops.batchNorm({ epilogue: 'relu' }))],
  sum: [
    of(ops.sum(), image, image),
    of(ops.sum(), image, image, image),
    of(ops.sum({ epilogue: 'relu' }), image, image),
  ],
  concat: [
    of(ops.concat(), [2, 4, 3, 2], [2, 2, 3, 2], [2, 5, 3, 2]),
    of(ops.concat(2), [2, 4, 3, 2], [2, 4, 1, 2]),
    of(ops.concat(0), [2, 4], [1, 4]),
  ],
  split: [
    { ...of(ops.split(1, [3, 2, 1]), [2, 6, 2, 2]), join: ops.concat(1) },
    { ...of(ops.split(2, [1, 3]), [2, 4, 4, 2]), join: ops.concat(2) },
  ],
  maxPool: [
    of(ops.maxPool({ kernel: [2, 2] }), image),
    of(ops.maxPool({ kernel: [3, 3], strides: [2, 1], padding: [1, 1, 1, 1] }), image),
    of(ops.maxPool({ kernel: [2, 2], strides: [1, 2], dilations: [2, 3] }), image),
    of(ops.maxPool({ kernel: [2, 2], ceil: true }), image),
  ],
  averagePool: [
    of(ops.averagePool({ kernel: [2, 2] }), image),
    of(ops.averagePool({ kernel: [3, 3], strides: [2, 1], padding: [1, 1, 1, 1] }), image),
    of(
      ops.averagePool({ kernel: [3, 2], strides: [1, 1], padding: [1, 0, 1, 1], countIncludePad: true }),
      image,
    ),
  ],
  globalAveragePool: [of(ops.globalAveragePool(), image)],
  resize: [
    of(ops.resize({ scales: [2, 2], mode: 'nearest', coordinates: 'asymmetric' }), image),
    of(ops.resize({ scales: [1.6, 0.5], mode: 'nearest', coordinates: 'half_pixel' }), image),
    of(ops.resize({ scales: [2, 1.5], mode: 'linear', coordinates: 'half_pixel' }), image),
    of(ops.resize({ scales: [0.6, 2], mode: 'linear', coordinates: 'asymmetric' }), image),
    of(ops.resize({ scales: [2, 2], mode: 'linear', coordinates: 'align_corners' }), image),
  ],
  flatten: [of(ops.flatten(), image), of(ops.flatten(), [2, 4])],
  reshape: [
    of(ops.reshape([0, -1]), image),
    of(ops.reshape([0, 4, 30]), image),
    of(ops.reshape([2, 0, -1]), image),
    of(ops.reshape([-1, 120]), image),
  ],
  squeeze: [of(ops.squeeze([2]), [2, 4, 1, 3]), of(ops.squeeze([3, 2]), [2, 4, 1, 1])],
  unsqueeze: [of(ops.unsqueeze([2, -1]), [2, 4])],
  expand: [of(ops.expand([1, 1, 5]), [2, 3, 1]), of(ops.expand([2, 1, 1, 4]), [3, 2, 1])],
  slice: [
    of(ops.slice({ axes: [2, 3], starts: [1, 2], sizes: [4, 3] }), image),
    of(ops.slice({ axes: [3, 2], starts: [1, 4], sizes: [2, 3], steps: [3, -2] }), image),
    of(ops.slice({ axes: [1], starts: [1], sizes: [3] }), image),
  ],
  pad: [
    of(ops.pad({ axes: [2, 3], before: [1, 0], after: [0, 2] }), image),
    of(ops.pad({ axes: [3], before: [2], after: [1], value: 0.5 }), image),
    of(ops.pad({ axes: [1], before: [2], after: [1] }), image),
  ],
  softmaxCrossEntropy: [
    loss(0, classes, [1, 3, 0]),
    loss(0.1, classes, [2, -1, 0]),
    loss(0.2, f32([3, 4]), [0.5, 0.5, 0, 0, 0, 1, 0, 0, 0.1, 0.2, 0.3, 0.4]),
  ],
};

/** Every case with a title that tells it from the others. */
export const titledCases: readonly (readonly [string, Case])[] = Object.entries(cases).flatMap(
  ([factory, list]) => list.map((c, index) => [`${factory} ${index + 1}`, c] as const),
);

/**
 * Contents for every input: distinct values, evenly spread over [-4, 4] in random order, so that maxima are
 * unique; the second and further inputs are narrower, as weights are. Kinks are avoided by 1e-3.
 */
export const contents = (c: Case, seed: number): Float64Array[] =>
  c.inputs.map((type, index) => {
    if (index === 1 && c.labels) return Float64Array.from(c.labels);
    const size = elements(type.shape);
    const stream = random(seed, index);
    const spread = index === 0 ? 4 : 1.5;
    const grid = permutation(size, stream);
    return Float64Array.from(grid, (place) => {
      const value = ((2 * (place + 0.4)) / size - 1) * spread;
      if (c.positive?.includes(index)) return Math.abs(value) + 0.1;
      return c.kinks?.some((kink) => Math.abs(value - kink) < 1e-3) ? value + 2e-3 : value;
    });
  });

/** A graph whose inputs `x0`, `x1`, ... go through the operator of a case; its outputs are the results. */
export function graphOf(op: Op, inputs: readonly TensorType[]): Graph {
  const builder = new GraphBuilder();
  const values = inputs.map((type, index) => builder.input(`x${index}`, type));
  return builder.graph(builder.emit(op, values, 'y'));
}

/** A function from the contents of all inputs of `graph` to those of `results`. */
export function evaluator(graph: Graph, results: readonly Value[], mode: Mode) {
  const inputs = graph.inputs.map((value) => [value, tensorFor(value, { kind: 'input' })] as const);
  const sinks = results.map((value, index) => ({
    value,
    tensor: tensorFor(value, { kind: 'output' }, `result ${index}`),
  }));
  const steps = lower({ graph, mode, sources: new Map(inputs), sinks });
  const outputs = sinks.map((sink) => sink.tensor);
  const entry = { name: 'run', inputs: inputs.map(([, tensor]) => tensor), outputs, steps };
  const session = new ReferenceSession(assemble('reference', [], [entry]));
  return (data: readonly ArrayLike<number>[]): Float64Array[] => {
    const named = Object.fromEntries(graph.inputs.map((value, i) => [value.name, data[i] ?? []]));
    const values = session.run('run', named);
    return outputs.map((tensor) => values[tensor.name] as Float64Array);
  };
}
