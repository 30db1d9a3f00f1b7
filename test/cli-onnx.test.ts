// What the command line says about ONNX files: operators that are not known.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
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
