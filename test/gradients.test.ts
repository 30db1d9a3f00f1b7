// Gradients of every operator against central differences, both in float64. The step h = 1e-5 leaves a
// truncation error of about h^2 = 1e-10 and a rounding error of about 1e-16 / h = 1e-11 of the values;
// the tolerance of 1e-6 of the largest gradient is far above both and far below any wrong formula.

import test from 'ava';
import { gradients } from '../lib/grad.js';
import { GraphBuilder, type Graph, type Node, type Value } from '../lib/graph.js';
import * as ops from '../lib/ops/index.js';
import { random } from '../lib/random.js';
import { elements, f32 } from '../lib/shape.js';
import { cases, contents, evaluator, isStep, titledCases, type Case } from './operator-cases.js';

const STEP = 1e-5;
const TOLERANCE = 1e-6;

/** Factories whose results have no gradient. */
const notDifferentiable: readonly string[] = [];

test('every operator has a case', (t) => {
  const factories = Object.entries(ops).filter(([, factory]) => typeof factory === 'function');
  const missing = factories.map(([name]) => name).filter((name) => !cases[name]);
  t.deepEqual(missing, []);
});

for (const [title, c] of titledCases) {
  if (isStep(c)) continue;
  test(`the gradient of ${title} agrees with finite differences`, (t) => {
    const differs = largestDifference(c);
    t.true(differs < TOLERANCE, `relative difference ${differs}`);
  });
}

test('every operator but those listed has a gradient', (t) => {
  const without = Object.entries(cases).filter(([, list]) => list.some((c) => c.op.gradient === null));
  t.deepEqual(
    without.map(([name]) => name),
    notDifferentiable,
  );
});

test('steps have no slope, and say so', (t) => {
  for (const c of titledCases.map(([, c]) => c).filter(isStep)) {
    const { graph, y } = weighted(c);
    const data = contents(c, 1);
    const forward = evaluator(graph, [y], 'probe');
    const f = (): number =>
      (forward([...data, ones(elements(y.type.shape))]) as [Float64Array])[0].reduce((a, b) => a + b);
    for (const x of data) t.true(differences(f, x).every((slope) => slope === 0));
    const context = { node: y.origin as Node, gradients: [y], needs: () => true, emit: () => [] };
    t.deepEqual(c.op.gradient?.(context), [null, null]);
  }
});

test('a value with several readers gets the sum of their gradients, made once', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([2, 3]));
  const seed = builder.input('seed', f32([2, 3]));
  const squares = builder.apply(ops.sum(), [
    builder.apply(ops.tanh(), [x]),
    builder.apply(ops.sigmoid(), [x]),
    x,
  ]);
  const { graph, gradients: results } = gradients(builder.graph([squares]), squares, [x], seed);
  const sums = graph.nodes.filter((node) => node.name.includes('grad_sum'));
  t.is(sums.length, 1);
  t.is(sums[0]?.inputs.length, 3);
  const [dx] = evaluator(graph, [results[0] as Value], 'probe')([new Float64Array(6), ones(6)]);
  // At zero: 1 - tanh^2 = 1, sigmoid' = 1/4, and 1.
  t.deepEqual([...(dx as Float64Array)], [2.25, 2.25, 2.25, 2.25, 2.25, 2.25]);
});

test('gradients of a branching network with a shared weight agree with finite differences', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([3, 2, 4, 4]));
  const labels = builder.input('labels', { dtype: 'i32', shape: [3] });
  const shared = builder.input('shared', f32([2, 2, 3, 3]));
  const [scale, bias] = [builder.input('scale', f32([2])), builder.input('bias', f32([2]))];
  const [mean, variance] = [builder.input('mean', f32([2])), builder.input('variance', f32([2]))];
  const head = builder.input('head', f32([4, 4]));
  const conv = (from: Value): Value => builder.apply(ops.conv({ padding: [1, 1, 1, 1] }), [from, shared]);
  const norm = builder.apply(ops.batchNorm({ epilogue: 'relu' }), [conv(x), scale, bias, mean, variance]);
  const pooled = builder.apply(ops.averagePool({ kernel: [2, 2] }), [norm]);
  const half = { scales: [2, 2], mode: 'linear', coordinates: 'half_pixel' } as const;
  const back = builder.apply(ops.resize(half), [builder.apply(ops.tanh(), [conv(pooled)])]);
  const total = builder.apply(ops.sum(), [norm, back, x]);
  const joined = builder.apply(ops.concat(), [total, conv(total)]);
  const flat = builder.apply(ops.flatten(), [builder.apply(ops.globalAveragePool(), [joined])]);
  const logits = builder.apply(ops.linear(), [flat, head]);
  const loss = builder.apply(ops.softmaxCrossEntropy({ smoothing: 0.1 }), [logits, labels]);
  const graph = builder.graph([loss]);
  const data = graph.inputs.map((v, index) =>
    v === labels ? Float64Array.of(1, 3, 0) : normal(elements(v.type.shape), index),
  );
  const differs = largestGap(graph, loss, null, [x, shared, scale, bias, head], data, ones(1));
  t.true(differs < TOLERANCE, `relative difference ${differs}`);
});

test('parts of a split that do not reach the loss contribute zero', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 6]));
  const seed = builder.input('seed', f32([1, 2]));
  const [first, , last] = builder.emit(ops.split(1, [2, 2, 2]), [x]) as [Value, Value, Value];
  const y = builder.apply(ops.sum(), [first, last]);
  const { graph, gradients: results } = gradients(builder.graph([y]), y, [x], seed);
  const [dx] = evaluator(graph, results as Value[], 'probe')([new Float64Array(6), [3, 4]]);
  t.deepEqual([...(dx as Float64Array)], [3, 4, 0, 0, 3, 4]);
});

test('a value that does not reach the loss has no gradient', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const other = builder.input('other', f32([1, 2]));
  const seed = builder.input('seed', f32([1, 2]));
  const y = builder.apply(ops.tanh(), [x]);
  builder.apply(ops.tanh(), [other]);
  const { graph, gradients: results } = gradients(builder.graph([y]), y, [x, other], seed);
  t.truthy(results[0]);
  t.is(results[1], null);
  t.deepEqual(graph.outputs, [results[0]]);
});

test('gradients flow only through nodes that lead to a wanted value', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const seed = builder.input('seed', f32([1, 2]));
  const early = builder.apply(ops.tanh(), [x], 'early');
  const late = builder.apply(ops.tanh(), [early], 'late');
  const { graph } = gradients(builder.graph([late]), late, [early], seed);
  t.false(graph.nodes.some((node) => node.name.startsWith('early.grad')));
});

test('a loss that no loss operator made is refused', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const y = builder.apply(ops.tanh(), [x], 'activation');
  const graph = builder.graph([y]);
  t.throws(() => gradients(graph, y, [x]), {
    code: 'ERR_UNSUPPORTED',
    message:
      "gradient 'activation.grad': a loss must be the result of a loss operator or a sum of such results",
  });
});

test('a loss that depends on nothing wanted is refused', (t) => {
  const { graph, loss } = lossOf([1, 0, 0]);
  const stranger: Value = { name: 'stranger', type: f32([1]), origin: 'input' };
  t.throws(() => gradients(graph, loss, [stranger]), {
    code: 'ERR_GRAPH',
    message: "the loss 'loss' depends on nothing that is to be trained",
  });
});

test('an operator without a gradient is named', (t) => {
  const { graph, loss } = lossOf([1, 0, 0]);
  const first = gradients(graph, loss, [graph.inputs[0] as Value]);
  const dlogits = first.gradients[0] as Value;
  t.throws(() => gradients(first.graph, dlogits, [graph.inputs[0] as Value]), {
    code: 'ERR_UNSUPPORTED',
    message: "SoftmaxCrossEntropyBackward 'loss.grad' has no gradient",
  });
});

function lossOf(labels: readonly number[]): { graph: Graph; loss: Value } {
  const builder = new GraphBuilder();
  const logits = builder.input('logits', f32([labels.length, 4]));
  const target = builder.input('labels', { dtype: 'i32', shape: [labels.length] });
  const loss = builder.apply(ops.softmaxCrossEntropy(), [logits, target], 'loss');
  return { graph: builder.graph([loss]), loss };
}

const ones = (size: number): Float64Array => new Float64Array(size).fill(1);

/** How far the gradients of a case are from finite differences. */
function largestDifference(c: Case): number {
  const { graph, y, seed, wanted } = weighted(c);
  const weights = seed ? normal(elements(y.type.shape), 7) : ones(1);
  const data = contents(c, 1);
  return largestGap(graph, y, seed, wanted, seed ? [...data, weights] : data, weights);
}

/** Largest difference over all wanted values, relative to the largest gradient of its value (or 1). */
function largestGap(
  graph: Graph,
  y: Value,
  seed: Value | null,
  wanted: readonly Value[],
  data: readonly Float64Array[],
  weights: Float64Array,
): number {
  const { graph: extended, gradients: results } = gradients(graph, y, wanted, seed ?? undefined);
  const flowing = results.filter((value) => value !== null);
  const backward = flowing.length > 0 ? evaluator(extended, flowing, 'probe')(data) : [];
  const forward = evaluator(graph, [y], 'probe');
  const f = (): number => dot((forward(data) as [Float64Array])[0], weights);
  return Math.max(
    ...wanted.map((value, index) => {
      const x = data[graph.inputs.indexOf(value)] as Float64Array;
      const result = results[index];
      // No gradient says that it is zero.
      const analytic = result ? backward[flowing.indexOf(result)] : new Float64Array(x.length);
      const numeric = differences(f, x);
      const scale = Math.max(1, ...numeric.map(Math.abs));
      return Math.max(...numeric.map((value, i) => Math.abs(value - (analytic?.[i] as number)))) / scale;
    }),
  );
}

/** The graph of a case with a seed, so that the loss is a weighted sum of all results. */
function weighted(c: Case) {
  const builder = new GraphBuilder();
  const inputs = c.inputs.map((type, index) => builder.input(`x${index}`, type));
  const results = builder.emit(c.op, inputs, 'op');
  const y = c.join ? builder.apply(c.join, results, 'join') : (results[0] as Value);
  const seed = c.labels ? null : builder.input('seed', y.type);
  const graph = builder.graph([y]);
  return { graph, y, seed, wanted: c.labels ? inputs.slice(0, 1) : inputs.filter(differentiable(c)) };
}

/** Running statistics take no part in the training function. */
const differentiable =
  (c: Case) =>
  (_: Value, index: number): boolean =>
    c.op.name !== 'BatchNorm' || index < 3;

function normal(size: number, seed: number): Float64Array {
  const stream = random(seed);
  return Float64Array.from({ length: size }, () => stream.normal());
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((total, value, i) => total + value * (b[i] as number), 0);

/** Central differences of `f` in every element of `x`, which is put back as it was. */
function differences(f: () => number, x: Float64Array): number[] {
  return Array.from(x, (value, i) => {
    x[i] = value + STEP;
    const above = f();
    x[i] = value - STEP;
    const below = f();
    x[i] = value;
    return (above - below) / (2 * STEP);
  });
}
