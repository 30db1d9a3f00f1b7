// Weights that a file reads in several orders of their axes: one parameter, trained through all of its uses.

import test from 'ava';
import { isParameter, producer, type Graph } from '../lib/graph.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { searchSpace } from '../lib/search/space.js';
import { elements, type Shape } from '../lib/shape.js';
import { constructVerified } from '../lib/train/construct.js';
import { initialWeights } from '../lib/weights.js';
import { floats, modelBytes, node, untyped, value, type Model } from './onnx-models.js';
import { noise, relativeDifference, runNative, runOnnx, trainNative } from './onnx-tools.js';

/** A network that reads `w` twice, once turned around. */
interface Tied {
  readonly title: string;
  readonly input: Shape;
  readonly weight: Shape;
  readonly nodes: Model['nodes'];
}

const networks: readonly Tied[] = [
  {
    title: 'a decoder that is the encoder turned around',
    input: [3],
    weight: [4, 3],
    nodes: [
      node('Transpose', ['w'], ['v']),
      node('MatMul', ['x', 'v'], ['a']),
      node('Relu', ['a'], ['b']),
      node('MatMul', ['b', 'w'], ['y']),
    ],
  },
  {
    title: 'two spellings of a linear layer',
    input: [3],
    weight: [4, 3],
    nodes: [
      node('Gemm', ['x', 'w'], ['a'], { transB: 1 }),
      node('Relu', ['a'], ['b']),
      node('MatMul', ['b', 'w'], ['y']),
    ],
  },
  {
    title: 'a convolution and its reverse',
    input: [3, 1, 1],
    weight: [5, 3, 1, 1],
    nodes: [
      node('Conv', ['x', 'w'], ['a']),
      node('Relu', ['a'], ['b']),
      node('Transpose', ['w'], ['v'], { perm: [1, 0, 2, 3] }),
      node('Conv', ['b', 'v'], ['c']),
      node('Flatten', ['c'], ['y']),
    ],
  },
];

const numbersFor = (shape: Shape): readonly number[] =>
  Array.from({ length: elements(shape) }, (_, index) => Math.sin(index * index + 1));

const bytesWith = ({ input, weight, nodes }: Tied, numbers: readonly number[]): Uint8Array =>
  modelBytes({
    inputs: [value('x', ['N', ...input])],
    nodes,
    constants: [floats('w', weight, numbers)],
    outputs: [untyped('y')],
  });

const countElements = ({ parameters }: Graph): number =>
  parameters.reduce((sum, { type }) => sum + elements(type.shape), 0);

/** Mean cross-entropy of three images, of which image k is of class k of three, as onnxruntime computes it. */
async function lossOf(network: Tied, numbers: readonly number[]): Promise<number> {
  const bytes = bytesWith(network, numbers);
  const [logits = []] = await runOnnx(bytes, noise(fromOnnx(bytes), 3));
  const losses = [0, 1, 2].map((image) => {
    const row = Array.from(logits.slice(3 * image, 3 * image + 3));
    return Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - (row[image] as number);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / 3;
}

const step = 1e-2;
const rate = 0.1;

/** The weight after one step of gradient descent, by central differences. */
async function afterStep(network: Tied, numbers: readonly number[]): Promise<readonly number[]> {
  const moved: number[] = [];
  for (const [index, number] of numbers.entries()) {
    const up = await lossOf(network, numbers.with(index, number + step));
    const down = await lossOf(network, numbers.with(index, number - step));
    moved.push(number - (rate * (up - down)) / (2 * step));
  }
  return moved;
}

for (const network of networks) {
  const numbers = numbersFor(network.weight);
  const bytes = bytesWith(network, numbers);

  test(`${network.title}: one parameter, here and in what is written`, async (t) => {
    const graph = fromOnnx(bytes);
    t.is(countElements(graph), elements(network.weight));
    const contents = noise(graph, 2);
    const [expected = []] = await runOnnx(bytes, contents);
    const weights = initialWeights(graph, 0);
    const [actual = []] = await runNative(graph, weights, contents);
    // Sums of at most 5 products.
    t.true(relativeDifference(actual, expected) < 1e-6);
    const written = toOnnx(graph, weights);
    t.true(relativeDifference((await runOnnx(written, contents))[0] ?? [], expected) < 1e-6);
    t.is(countElements(fromOnnx(written)), elements(network.weight));
  });

  test(`${network.title}: both uses train it`, async (t) => {
    const [before = 0, after = 0] = await trainNative(fromOnnx(bytes), 3, 2, rate);
    t.true(Math.abs(before - (await lossOf(network, numbers))) < 1e-5);
    const expected = await lossOf(network, await afterStep(network, numbers));
    // Central differences are wrong by the square of their step.
    t.true(Math.abs(after - expected) < 1e-2 * Math.abs(after - before), `${after}, expected ${expected}`);
  });
}

test('a weight that is turned around twice is the one it was', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', ['N', 3])],
      nodes: [
        node('Transpose', ['w'], ['v']),
        node('Transpose', ['v'], ['u']),
        node('Gemm', ['x', 'w'], ['a'], { transB: 1 }),
        node('MatMul', ['x', 'v'], ['b']),
        node('Gemm', ['x', 'u'], ['c'], { transB: 1 }),
        node('Concat', ['a', 'b', 'c'], ['y'], { axis: 1 }),
      ],
      constants: [floats('w', [4, 3], numbersFor([4, 3]))],
      outputs: [untyped('y')],
    }),
  );
  const layers = graph.nodes.filter(({ op }) => op.name === 'Linear');
  t.is(new Set(layers.map(({ inputs }) => inputs[1])).size, 1);
  t.true(layers.every(({ inputs: [, weight] }) => weight && isParameter(weight)));
});

test('branches that share a weight, one of them turned around, go together', async (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', ['N', 4])],
      nodes: [
        node('Gemm', ['x', 'w'], ['a'], { transB: 1 }, 'first'),
        node('MatMul', ['x', 'w'], ['b'], {}, 'second'),
        node('Sum', ['x', 'a', 'b'], ['c']),
        node('MatMul', ['c', 'v'], ['y']),
      ],
      constants: [floats('w', [4, 4], numbersFor([4, 4])), floats('v', [4, 2], numbersFor([4, 2]))],
      outputs: [untyped('y')],
    }),
  );
  t.is(producer(graph.nodes.find(({ name }) => name === 'second')?.inputs[1] as never)?.op.name, 'Transpose');
  const { groups, segments } = searchSpace(graph);
  t.deepEqual(
    groups.map((group) => group.segments.map((id) => segments[id]?.nodes.map(({ name }) => name))),
    [[['first'], ['second']]],
  );
  const { graph: subnet, summary } = await constructVerified(graph, [0]);
  t.is(summary.maxDifference, 0);
  t.deepEqual(
    subnet.parameters.map(({ name }) => name),
    ['v'],
  );
});

test('channels of a weight that is turned around elsewhere are not taken out of it', (t) => {
  const graph = fromOnnx(
    modelBytes({
      inputs: [value('x', ['N', 2, 4, 4])],
      nodes: [
        node('Conv', ['x', 'p'], ['a'], {}, 'p'),
        node('Conv', ['x', 'q'], ['b'], {}, 'q'),
        node('Concat', ['a', 'b'], ['c'], { axis: 1 }, 'cat'),
        node('Conv', ['c', 'w'], ['d'], {}, 'first'),
        node('Transpose', ['w'], ['v'], { perm: [1, 0, 2, 3] }),
        node('Conv', ['d', 'v'], ['y'], {}, 'second'),
      ],
      constants: [
        floats('p', [3, 2, 1, 1], numbersFor([3, 2])),
        floats('q', [3, 2, 1, 1], numbersFor([6, 1])),
        floats('w', [5, 6, 1, 1], numbersFor([5, 6])),
      ],
      outputs: [untyped('y')],
    }),
  );
  const [p] = searchSpace(graph).segments;
  t.false(p?.removable);
  t.is(p?.reason, "the channels that it gives to 'cat' would be taken out of 'w' in one of its uses only");
});
