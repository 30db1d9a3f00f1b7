// Where the batch lies in networks that are read: inputs that do not have it, and nodes that work at the file's
// own batch size only.

import test from 'ava';
import { atBatch, imageMacs } from '../lib/graph.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { listUnsupported, unsupported } from '../lib/ops/opaque.js';
import { inspectDocument } from '../lib/search/inspect.js';
import { searchSpace } from '../lib/search/space.js';
import { constructVerified } from '../lib/train/construct.js';
import { initialWeights } from '../lib/weights.js';
import { floats, int64s, modelBytes, node, untyped, value, type Model } from './onnx-models.js';
import { noise, relativeDifference, runOnnx, runReference } from './onnx-tools.js';

const x = value('x', ['N', 4, 8]);
const y = untyped('y');

/** Files whose node 'stuck' fits one image but not two, or `batch` but not one more. */
const stuck: readonly (readonly [what: string, batch: number, model: Model])[] = [
  [
    'an axis of one image that goes',
    1,
    {
      inputs: [x],
      nodes: [node('Squeeze', ['x', 'i'], ['a'], {}, 'stuck'), node('Relu', ['a'], ['y'])],
      constants: [int64s('i', [1], [0])],
      outputs: [y],
    },
  ],
  [
    'a batch that is doubled and added to itself',
    1,
    {
      inputs: [x],
      nodes: [
        node('Relu', ['x'], ['a']),
        node('Concat', ['x', 'a'], ['b'], { axis: 0 }, 'doubled'),
        node('Add', ['b', 'x'], ['c'], {}, 'stuck'),
        node('Relu', ['c'], ['y']),
      ],
      outputs: [y],
    },
  ],
  [
    'contents for each of three images',
    3,
    {
      inputs: [value('x', [3, 4, 8])],
      nodes: [node('Add', ['x', 'each'], ['a'], {}, 'stuck'), node('Concat', ['a', 'x'], ['y'], { axis: 1 })],
      constants: [
        floats(
          'each',
          [3, 1, 8],
          Array.from({ length: 24 }, (_, index) => index),
        ),
      ],
      outputs: [y],
    },
  ],
];

for (const [what, batch, model] of stuck) {
  test(`${what}: the node that works at one batch size only is named, and what follows is read`, async (t) => {
    const graph = fromOnnx(modelBytes(model));
    const [missing, ...others] = listUnsupported(graph).operators;
    t.deepEqual(missing?.nodes, ['stuck']);
    t.is(missing?.reason, `it works at no batch size but ${batch}`);
    t.deepEqual(others, []);
    t.is(unsupported(graph).length, 1);
    t.notThrows(() => inspectDocument(searchSpace(graph), 'file'));
    await t.throwsAsync(constructVerified(graph), { code: 'ERR_UNSUPPORTED', message: /'stuck'/ });
  });
}

test('such nodes may be left out of the network', (t) => {
  const nodes = [node('Squeeze', ['x', 'i'], ['unused']), node('Relu', ['x'], ['y'])];
  const constants = [int64s('i', [1], [0])];
  t.deepEqual(unsupported(fromOnnx(modelBytes({ inputs: [x], nodes, constants, outputs: [y] }))), []);
});

test('multiply-accumulates of a network that works at one batch size are counted for one image', (t) => {
  const inputs = [value('x', [3, 4, 8])];
  const nodes = [
    node('MatMul', ['x', 'w'], ['a']),
    node('Mystery', ['a'], ['b']),
    node('Concat', ['a', 'b'], ['y'], { axis: 1 }),
  ];
  const constants = [
    floats(
      'w',
      [8, 2],
      Array.from({ length: 16 }, (_, index) => index),
    ),
  ];
  const declared = [value('b', [3, 4, 2])];
  const graph = fromOnnx(modelBytes({ inputs, nodes, constants, declared, outputs: [y] }));
  t.throws(() => atBatch(graph, 1), { code: 'ERR_SHAPE' });
  t.is(imageMacs(graph), 4 * 8 * 2);
});

/** A second input that is the same for all images. */
const shared: readonly (readonly [what: string, shape: readonly number[], op: string])[] = [
  ['a number', [], 'Mul'],
  ['a matrix', [8, 6], 'MatMul'],
  ['a bias of each position', [4, 8], 'Add'],
];

for (const [what, shape, op] of shared) {
  test(`a second input that is ${what} for all images is none of the batch`, async (t) => {
    const inputs = [x, value('t', shape)];
    const bytes = modelBytes({ inputs, nodes: [node(op, ['x', 't'], ['y'])], outputs: [y] });
    const graph = fromOnnx(bytes);
    const weights = initialWeights(graph, 0);
    t.deepEqual(unsupported(graph), []);
    t.deepEqual(atBatch(graph, 3).inputs[1]?.type.shape, shape);
    const contents = noise(graph, 3);
    const [expected = []] = await runOnnx(bytes, contents);
    const [actual = []] = runReference(graph, weights, contents);
    // Sums of at most 8 products.
    t.true(relativeDifference(actual, expected) < 1e-6);
    const [again = []] = await runOnnx(toOnnx(graph, weights), contents);
    t.true(relativeDifference(again, expected) < 1e-6);
    t.is((await constructVerified(graph)).summary.maxDifference, 0);
  });
}

test('an open first axis of a second input is the batch of the first', (t) => {
  const inputs = [value('x', [3, 4]), value('t', ['N', 4])];
  const graph = fromOnnx(modelBytes({ inputs, nodes: [node('Add', ['x', 't'], ['y'])], outputs: [y] }));
  t.deepEqual(
    graph.inputs.map(({ type }) => type.shape),
    [
      [3, 4],
      [3, 4],
    ],
  );
  t.deepEqual(atBatch(graph, 5).outputs[0]?.type.shape, [5, 4]);
});
