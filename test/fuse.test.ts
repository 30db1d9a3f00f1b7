// Folding epilogues: the network stays the same function with the same gradients (reference interpreter,
// float64), and what others look at is left alone.

import test from 'ava';
import { fuse } from '../lib/compile/fuse.js';
import { gradients } from '../lib/grad.js';
import { GraphBuilder, type Graph, type Value } from '../lib/graph.js';
import * as ops from '../lib/ops/index.js';
import { random } from '../lib/random.js';
import { elements, f32 } from '../lib/shape.js';
import { evaluator } from './operator-cases.js';

test('relu folds into convolution, normalisation, sum and linear layer', (t) => {
  t.deepEqual(names(branches()), [
    'Conv',
    'Relu',
    'BatchNorm',
    'Relu',
    'Add',
    'Relu',
    'Flatten',
    'Linear',
    'Relu',
  ]);
  const fused = fuse(branches());
  t.deepEqual(names(fused), ['Conv', 'BatchNorm', 'Add', 'Flatten', 'Linear']);
  const epilogues = fused.nodes.filter((node) => node.op.attrs['epilogue'] === 'relu');
  t.is(epilogues.length, 4);
});

test('a fused network is the same function and has the same gradients', (t) => {
  const graph = branches();
  const [data, fused] = [contents(graph), fuse(graph)];
  // The same operations in the same order, so the results agree to the last bit.
  const expected = evaluator(graph, graph.outputs, 'probe')(data);
  t.deepEqual(evaluator(fused, fused.outputs, 'probe')(data), expected);
  t.deepEqual(allGradients(fused, data), allGradients(graph, data));
});

test('relu of a value that something else reads stays', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const total = builder.apply(ops.sum(), [x, x]);
  const graph = builder.graph([builder.apply(ops.sum(), [total, builder.apply(ops.relu(), [total])])]);
  t.deepEqual(names(fuse(graph)), names(graph));
});

test('relu of a value that is a result stays', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2]));
  const total = builder.apply(ops.sum(), [x, x]);
  const graph = builder.graph([builder.apply(ops.relu(), [total]), total]);
  t.deepEqual(names(fuse(graph)), names(graph));
});

test('relu of an input, of a pooled value and of another relu stays', (t) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([1, 2, 4, 4]));
  const first = builder.apply(ops.relu(), [x]);
  const pooled = builder.apply(ops.maxPool({ kernel: [2, 2] }), [builder.apply(ops.relu(), [first])]);
  const graph = builder.graph([builder.apply(ops.relu(), [pooled])]);
  t.deepEqual(names(fuse(graph)), ['Relu', 'Relu', 'MaxPool', 'Relu']);
});

test('fusing twice changes nothing more', (t) => {
  const once = fuse(branches());
  t.deepEqual(names(fuse(once)), names(once));
});

/** All inputs, weights too, are inputs of this graph, so that gradients go to each. */
function branches(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32([2, 3, 4, 4]));
  const inputs = (...shapes: number[][]): Value[] => shapes.map((shape) => builder.input('w', f32(shape)));
  const relu = (value: Value | undefined): Value => builder.apply(ops.relu(), [value as Value]);
  const conv = relu(builder.apply(ops.conv(), [x, ...inputs([3, 3, 1, 1], [3])]));
  const norm = relu(builder.emit(ops.batchNorm(), [x, ...inputs([3], [3], [3], [3])])[0]);
  const total = relu(builder.apply(ops.sum(), [conv, norm]));
  const flat = builder.apply(ops.flatten(), [total]);
  return builder.graph([relu(builder.apply(ops.linear(), [flat, ...inputs([2, 48], [2])]))]);
}

const names = (graph: Graph): readonly string[] => graph.nodes.map((node) => node.op.name);

function contents(graph: Graph): Float64Array[] {
  const stream = random(3);
  return graph.inputs.map((v) =>
    Float64Array.from({ length: elements(v.type.shape) }, () => stream.normal()),
  );
}

/** Gradients of the first result, weighted by itself, with respect to everything but statistics. */
function allGradients(graph: Graph, data: readonly Float64Array[]): readonly Float64Array[] {
  const seed = { name: 'seed', type: (graph.outputs[0] as Value).type, origin: 'input' as const };
  const seeded = { ...graph, inputs: [...graph.inputs, seed] };
  const wanted = graph.inputs.filter((_, index) => index !== 5 && index !== 6);
  const backward = gradients(seeded, graph.outputs[0] as Value, wanted, seed);
  const results = backward.gradients as readonly Value[];
  return evaluator(backward.graph, results, 'probe')([...data, new Float64Array(4).fill(1)]);
}
