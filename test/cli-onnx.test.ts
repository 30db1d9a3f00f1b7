// What the command line says about ONNX files: operators that are not known, and an end in probabilities.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Network } from '../lib/network.js';
import { toOnnx } from '../lib/onnx/export.js';
import { fromOnnx } from '../lib/onnx/import.js';
import { softmax } from '../lib/ops/softmax.js';
import { initialWeights } from '../lib/weights.js';
import { folders, halfspace } from './cli-process.js';
import { floats, modelBytes, node, untyped, value, type Model } from './onnx-models.js';

const folder = folders();

function fileOf(model: Model): string {
  const path = join(folder(), 'model.onnx');
  writeFileSync(path, modelBytes(model));
  return path;
}

test('inspect lists the operators that are not known, and what it guesses of them', async (t) => {
  const path = fileOf({
    inputs: [value('x', [1, 2])],
    nodes: [
      node('Mystery', ['x'], ['a'], {}, 'unknown'),
      node('Mystery', ['a', 'x'], ['b'], {}, 'other'),
      node('MatMul', ['b', 'w'], ['y'], {}, 'head'),
    ],
    constants: [floats('w', [2, 2], [1, 2, 3, 4])],
    outputs: [untyped('y')],
  });
  const { status, stdout, stderr } = await halfspace(['inspect', path, '--json']);
  t.is(status, 0);
  const expected = [
    '2 of 3 nodes have operators that cannot run here:',
    "  2 x Mystery (the operator is not known): 'unknown', 'other'",
    '  and 1 that depend on these',
    '  the results of 1 are taken to be like their inputs, which is a guess',
    '  train, eval and construct refuse the network for these',
  ];
  t.is(stderr, `${expected.join('\n')}\n`);
  const mystery = {
    op: 'Mystery',
    reason: 'the operator is not known',
    nodes: ['unknown', 'other'],
    guessed: ['unknown'],
  };
  t.deepEqual((JSON.parse(stdout) as { unsupported: unknown }).unsupported, {
    operators: [mystery],
    dependents: 1,
  });
});

test('train and eval say which of several outputs tells the classes apart', async (t) => {
  const network = new Network();
  const x = network.input('image', [1, 1, 28, 28]);
  const logits = network.linear(network.flatten(x), 10, { name: 'head' });
  const graph = network.graph([logits, network.relu(logits, { name: 'more' })]);
  const path = join(folder(), 'model.onnx');
  writeFileSync(path, toOnnx(graph, initialWeights(graph, 0)));
  const data = ['--data', 'sample', '--batch', '4', '--threads', '1'];
  for (const args of [
    ['eval', path, ...data],
    ['train', path, ...data, '--steps', '1', '--out', folder()],
  ]) {
    const { status, stderr } = await halfspace(args);
    t.is(status, 0, stderr);
    t.regex(stderr, /^of the 2 outputs only the first, 'head', tells the classes apart$/m);
  }
});

test('train says that the loss is taken before a softmax, and keeps it in the files', async (t) => {
  const network = new Network();
  const x = network.input('image', [1, 1, 28, 28]);
  const logits = network.linear(network.flatten(x), 10, { name: 'head' });
  const graph = network.graph([network.apply(softmax(1), [logits], { name: 'chances' })]);
  const [path, out] = [join(folder(), 'model.onnx'), folder()];
  writeFileSync(path, toOnnx(graph, initialWeights(graph, 0)));
  const data = ['--data', 'sample', '--steps', '1', '--batch', '4', '--threads', '1'];
  const { status, stderr } = await halfspace(['train', path, ...data, '--out', out]);
  t.is(status, 0, stderr);
  t.regex(
    stderr,
    /^'chances' makes probabilities: the loss is taken of 'head' before it, the files keep it$/m,
  );
  const trained = fromOnnx(readFileSync(join(out, 'super.onnx')));
  t.is(trained.nodes.at(-1)?.name, 'chances');
});

test('the table of inspect writes operators that repeat once, and has a limit to its width', async (t) => {
  const kinds = ['Relu', 'Relu', ...Array.from({ length: 40 }, () => ['Relu', 'Tanh']).flat(), 'Sigmoid'];
  const path = fileOf({
    inputs: [value('v0', [1, 2])],
    nodes: kinds.map((kind, index) => node(kind, [`v${index}`], [`v${index + 1}`], {}, `n${index}`)),
    outputs: [untyped(`v${kinds.length}`)],
  });
  const { stdout } = await halfspace(['inspect', path]);
  t.regex(stdout, /Relu ×3 Tanh Relu Tanh .*…/);
  t.true(stdout.split('\n').every((line) => line.length < 200));
});

test('names from a file cannot write to the terminal what they please', async (t) => {
  const nodes = [node('Clear\x1b[2J', ['x'], ['y'], {}, 'night\x9b31m')];
  const path = fileOf({ inputs: [value('x', [1, 2])], nodes, outputs: [untyped('y')] });
  const { status, stdout, stderr } = await halfspace(['inspect', path]);
  t.is(status, 0);
  t.true(stdout.includes(String.raw`Clear\x1b[2J`), stdout);
  t.true(stderr.includes(String.raw`1 x Clear\x1b[2J (the operator is not known): 'night\x9b31m'`), stderr);
  const refused = await halfspace(['construct', path, '-o', join(folder(), 'sub.onnx')]);
  const json = await halfspace(['inspect', path, '--json']);
  for (const text of [stdout, stderr, refused.stderr, json.stdout]) t.notRegex(text, /(?!\n)\p{Cc}/u);
  t.true(json.stdout.includes(String.raw`night\u009b31m`));
});
