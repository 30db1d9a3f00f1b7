// The proof of a construction must be able to fail.

import test from 'ava';
import { HalfspaceError } from '../lib/errors.js';
import type { Value } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { groupSpans, searchSpace } from '../lib/search/space.js';
import { constructChecked, constructVerified } from '../lib/train/construct.js';
import { openNative } from '../lib/train/device-network.js';
import { countCorrect } from '../lib/train/evaluate.js';
import { spanNorm, spanSize, withZeros } from '../lib/train/groups.js';
import { verifySubnet } from '../lib/train/verify.js';
import { initialWeights } from '../lib/weights.js';
import { openReference, tinyNetwork } from './training-fixtures.js';

const graph = tinyNetwork();
const space = searchSpace(graph);
const weights = initialWeights(graph, 3);
const stream = random(9);
const inputs = { image: Float32Array.from({ length: 2 * 64 }, () => stream.normal()) };
const inference = { batch: 2, device: 'cpu', open: openReference };

test('a network agrees with itself exactly', async (t) => {
  const agreement = await verifySubnet({ graph, weights }, { graph, weights }, inputs, inference);
  t.is(agreement.maxDifference, 0);
  t.true(agreement.largestOutput > 0);
});

test('cutting groups that are not zero is caught', async (t) => {
  for (const { id } of space.groups) {
    const error = await t.throwsAsync(constructChecked(space, weights, [id], inputs, inference), {
      instanceOf: HalfspaceError,
    });
    t.is(error.code, 'ERR_VERIFY');
    t.regex(error.message, /differs from its super-network by [\d.]+: expected at most/);
  }
});

test('weights that are not numbers are caught', async (t) => {
  const broken = new Map(weights).set('head.bias', Float32Array.of(NaN, 0, 0));
  const error = await t.throwsAsync(
    verifySubnet({ graph, weights }, { graph, weights: broken }, inputs, inference),
    { instanceOf: HalfspaceError },
  );
  t.is(error.code, 'ERR_VERIFY');
});

test('outputs that are not finite are no proof of anything', async (t) => {
  const broken = new Map(weights).set('head.bias', Float32Array.of(Infinity, 0, 0));
  const error = await t.throwsAsync(
    verifySubnet({ graph, weights: broken }, { graph, weights: broken }, inputs, inference),
    { instanceOf: HalfspaceError },
  );
  t.is(error.code, 'ERR_VERIFY');
  t.regex(error.message, /outputs of the super-network hold infinity or NaN/);
});

test('groups named for erasure are set to zero first, on every engine', async (t) => {
  for (const open of [openReference, openNative(1)]) {
    const result = await constructVerified(graph, [0, 3], { ...inference, open });
    t.deepEqual(
      result.summary.erased.toSorted((a, b) => a - b),
      [0, 3].flatMap((id) => space.groups[id]?.segments ?? []).toSorted((a, b) => a - b),
    );
    t.deepEqual(
      result.summary.groups,
      [0, 3].map((id) => ({ id, segments: space.groups[id]?.segments ?? [] })),
    );
    t.true(result.summary.subnet.params < result.summary.supernet.params);
  }
});

test('a network without zero groups is constructed as it is', async (t) => {
  const { summary } = await constructVerified(graph, [], inference);
  t.deepEqual(summary.erased, []);
  t.deepEqual(summary.subnet, summary.supernet);
});

test('a group that does not exist is refused', async (t) => {
  const error = await t.throwsAsync(constructVerified(graph, [4], inference), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_OPTION');
  t.is(error.message, 'there is no group 4: this network has groups 0 to 3');
});

test('rows of padding are never right', (t) => {
  const logits = Float32Array.of(1, 0, 0, 1, 1, 0, 2, 2);
  t.is(countCorrect(logits, Int32Array.of(0, 1, -1, 0)), 3);
});

test('spans with strides are measured and zeroed element by element', (t) => {
  const arena = Float32Array.of(3, 1, 4, 1, 5, 9);
  const spans = [
    { offset: 0, length: 2, stride: 2 },
    { offset: 5, length: 1, stride: 1 },
  ];
  t.is(spanSize(spans), 3);
  t.is(spanNorm(arena, spans), Math.sqrt(9 + 16 + 81));
  t.deepEqual([...withZeros(arena, [spans])], [0, 1, 0, 1, 5, 0]);
  t.is(arena[0], 3);
});

test('the groups of a network do not overlap', (t) => {
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { name, type } of graph.parameters) {
    offsets.set(name, end);
    end += type.shape.reduce((product, size) => product * size, 1);
  }
  const seen = new Uint8Array(end);
  for (const group of space.groups) {
    for (const { offset, length, stride } of groupSpans(group, (name) => offsets.get(name) as number)) {
      for (let i = 0; i < length; i += 1)
        seen[offset + i * stride] = (seen[offset + i * stride] as number) + 1;
    }
  }
  t.true(seen.every((count) => count <= 1));
});

test('integers that a network only hands on are no reason to fail', async (t) => {
  const image = graph.inputs[0] as Value;
  const ids: Value = { name: 'ids', type: { dtype: 'i32', shape: [1, 5] }, origin: 'input' };
  const both = { ...graph, inputs: [image, ids], outputs: [...graph.outputs, ids] };
  const { summary } = await constructVerified(both, [0], { ...inference, open: openNative(1) });
  t.true(summary.maxDifference < 1e-5);
});
