// Sharing equal nodes: the network stays the same function with the same gradients (reference interpreter,
// float64), and nodes that only look alike stay.

import test from 'ava';
import { share } from '../lib/compile/share.js';
import { gradients } from '../lib/grad.js';
import { GraphBuilder, type Graph, type Op, type Value } from '../lib/graph.js';
import { buildModel } from '../lib/models/index.js';
import * as ops from '../lib/ops/index.js';
import { random } from '../lib/random.js';
import { elements, f32 } from '../lib/shape.js';
import { evaluator } from './operator-cases.js';

test('equal nodes become one, and then the equal nodes that read them', (t) => {
  const { builder, x, apply } = start();
  const ends = [1, 2, 3].map(() => apply(ops.maxPool({ kernel: [2, 2] }), apply(ops.relu(), x)));
  const graph = builder.graph([apply(ops.sum(), ...ends)]);
  t.deepEqual(names(share(graph)), ['Relu', 'MaxPool', 'Add']);
});

test('the order of operands and the attributes tell nodes apart', (t) => {
  const { builder, x, apply } = start();
  const y = apply(ops.relu(), x);
  const concats = [apply(ops.concat(1), x, y), apply(ops.concat(1), y, x), apply(ops.concat(1), x, y)];
  const pools = [1, 2].map((stride) => apply(ops.maxPool({ kernel: [2, 2], strides: [stride, stride] }), y));
  const graph = builder.graph([...concats.map((value) => apply(ops.sigmoid(), value)), ...pools]);
  t.deepEqual(names(share(graph)), ['Relu', 'Concat', 'Concat', 'MaxPool', 'MaxPool', 'Sigmoid', 'Sigmoid']);
});

test('what updates statistics runs as often as it is written', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([2, 3, 4, 4]));
  const parameters = ['scale', 'bias', 'mean', 'variance'].map((name, index) =>
    builder.parameter(name, [3], { kind: 'constant', value: 1 }, index < 2),
  );
  const norm = (): Value => builder.apply(ops.batchNorm(), [x, ...parameters]);
  const graph = builder.graph([builder.apply(ops.sum(), [norm(), norm()])]);
  t.deepEqual(names(share(graph)), ['BatchNorm', 'BatchNorm', 'Add']);
});

test('a network that shares is the same function and has the same gradients', (t) => {
  const { builder, x, apply } = start();
  const halves = [1, 2].map((factor) => {
    const pooled = apply(ops.averagePool({ kernel: [2, 2] }), apply(ops.relu(), x));
    return Array.from({ length: factor }, () => apply(ops.sigmoid(), pooled));
  });
  const graph = builder.graph([apply(ops.sum(), ...halves.flat())]);
  const shared = share(graph);
  t.deepEqual(names(shared), ['Relu', 'AveragePool', 'Sigmoid', 'Add']);
  const stream = random(4);
  const data = [Float64Array.from({ length: elements([2, 3, 4, 4]) }, () => stream.normal())];
  const [expected, results] = [graph, shared].map((one) => [
    ...evaluator(one, one.outputs, 'probe')(data),
    ...inputGradient(one, data),
  ]);
  expected?.forEach((values, index) => {
    values.forEach((value, i) => t.true(Math.abs(value - (results?.[index]?.[i] as number)) < 1e-14));
  });
});

test('a DARTS cell rectifies and pools each state once', (t) => {
  const graph = buildModel('darts-8');
  const shared = share(graph);
  t.is(count(shared, 'Conv'), count(graph, 'Conv'));
  t.is(count(shared, 'BatchNorm'), count(graph, 'BatchNorm'));
  // Five states a cell feed edges; in the two reduction cells, two of them at stride 2 and not again at 1.
  t.is(count(shared, 'MaxPool'), 8 * 5);
  t.is(count(graph, 'MaxPool'), 8 * 14);
});

function start() {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([2, 3, 4, 4]));
  const apply = (op: Op, ...inputs: Value[]): Value => builder.apply(op, inputs);
  return { builder, x, apply };
}

const count = (graph: Graph, name: string): number => names(graph).filter((other) => other === name).length;

const names = (graph: Graph): readonly string[] => graph.nodes.map((node) => node.op.name);

/** Gradient of the first result, weighted by ones, with respect to the first input. */
function inputGradient(graph: Graph, data: readonly Float64Array[]): readonly Float64Array[] {
  const [y] = graph.outputs as [Value];
  const seed = { name: 'seed', type: y.type, origin: 'input' as const };
  const seeded = { ...graph, inputs: [...graph.inputs, seed] };
  const backward = gradients(seeded, y, graph.inputs, seed);
  const ones = new Float64Array(elements(y.type.shape)).fill(1);
  return evaluator(backward.graph, backward.gradients as readonly Value[], 'probe')([...data, ones]);
}
