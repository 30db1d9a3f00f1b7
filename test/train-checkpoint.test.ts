// Checkpoints and their file format: what is written is read back bit for bit, what is damaged is
// refused, and a failed write leaves the old file whole.

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { HalfspaceError } from '../lib/errors.js';
import { GraphBuilder } from '../lib/graph.js';
import {
  readCheckpoint,
  writeAtomically,
  writeCheckpoint,
  type Checkpoint,
} from '../lib/train/checkpoint.js';
import { carryState, expandState, traceOrigins, type Cut } from '../lib/train/network-state.js';
import { decodeTensors, encodeTensors } from '../lib/train/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'halfspace-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const isHalfspaceError = (error: unknown): boolean =>
  error instanceof HalfspaceError && error.code === 'ERR_RUN';

const example = encodeTensors({
  tensors: new Map([
    ['a', { shape: [2, 2], data: Float32Array.of(1, -0, NaN, 1e-40) }],
    ['b.weight', { shape: [], data: Float32Array.of(3) }],
    ['empty', { shape: [0], data: new Float32Array() }],
  ]),
  metadata: { about: 'ünïcode' },
});

test('tensors come back bit for bit', (t) => {
  // An odd offset in the buffer, since files are read into memory that need not be aligned.
  const shifted = new Uint8Array(example.length + 1).subarray(1);
  shifted.set(example);
  const { tensors, metadata } = decodeTensors(shifted, 'x');
  t.deepEqual([...tensors.keys()], ['a', 'b.weight', 'empty']);
  t.deepEqual(tensors.get('a')?.shape, [2, 2]);
  t.deepEqual([...(tensors.get('a')?.data ?? [])], [1, -0, NaN, Math.fround(1e-40)]);
  t.deepEqual(metadata, { about: 'ünïcode' });
});

test('the header is as published: little-endian length, JSON, aligned data', (t) => {
  const length = example[0] as number;
  t.is(length % 8, 0);
  const header = JSON.parse(Buffer.from(example.subarray(8, 8 + length)).toString()) as object;
  t.deepEqual(header, {
    __metadata__: { about: 'ünïcode' },
    a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
    'b.weight': { dtype: 'F32', shape: [], data_offsets: [16, 20] },
    empty: { dtype: 'F32', shape: [0], data_offsets: [20, 20] },
  });
});

test('a truncated file is refused wherever it ends', (t) => {
  for (let length = 0; length < example.length; length += 1) {
    t.throws(
      () => decodeTensors(example.subarray(0, length), 'x'),
      { instanceOf: HalfspaceError },
      `${length}`,
    );
  }
});

test('random damage gives a clear error or a readable file, nothing else', (t) => {
  const damage = fc.array(fc.tuple(fc.nat(example.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = example.slice();
      for (const [at, value] of changes) bytes[at] = value;
      try {
        decodeTensors(bytes, 'x');
      } catch (error) {
        t.true(isHalfspaceError(error), String(error));
      }
    }),
  );
  t.pass();
});

const graph = (() => {
  const builder = new GraphBuilder();
  const weight = builder.parameter('fc.weight', [2, 3], { kind: 'constant', value: 0 });
  return builder.graph([weight]);
})();

const checkpoint: Checkpoint = {
  position: {
    step: 7,
    epoch: { loss: 0.1 + 0.2, correct: 5, images: 64 },
    policy: { scores: [1 / 3, -2.5], taken: [{ group: 1, norm: Math.PI }] },
    erased: false,
    accuracyAtSelection: null,
    seconds: 1.5,
  },
  network: {
    weights: new Map([['fc.weight', Float32Array.of(1, 2, 3, 4, 5, 6)]]),
    optimizer: [new Map([['fc.weight', Float32Array.of(6, 5, 4, 3, 2, 1)]])],
  },
};

test('a checkpoint comes back as it was', async (t) => {
  const path = join(folder, 'checkpoint.safetensors');
  await writeCheckpoint(path, graph, checkpoint);
  t.deepEqual(await readCheckpoint(path), checkpoint);
  t.deepEqual(decodeTensors(readFileSync(path), path).tensors.get('state1/fc.weight')?.shape, [2, 3]);
});

for (const [what, broken] of [
  ['a weight', { ...checkpoint.network, weights: new Map([['fc.weight', Float32Array.of(1, NaN)]]) }],
  [
    'optimizer state',
    { ...checkpoint.network, optimizer: [new Map([['fc.weight', Float32Array.of(0, -1 / 0)]])] },
  ],
] as const) {
  test(`${what} that is no number is not written over a good checkpoint`, async (t) => {
    const path = join(mkdtempSync(join(folder, 'broken-')), 'checkpoint.safetensors');
    await writeCheckpoint(path, graph, checkpoint);
    const error = await t.throwsAsync(writeCheckpoint(path, graph, { ...checkpoint, network: broken }), {
      instanceOf: HalfspaceError,
    });
    t.is(error.code, 'ERR_DIVERGED');
    t.regex(error.message, /element 1 of 'fc\.weight' .* is (NaN|-Infinity)/);
    t.deepEqual(await readCheckpoint(path), checkpoint);
  });
}

test('a file that is no checkpoint is refused with its name', async (t) => {
  const path = join(folder, 'other.safetensors');
  writeFileSync(path, example);
  const error = await t.throwsAsync(readCheckpoint(path), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_RUN');
  t.true(error.message.startsWith(path));
  await t.throwsAsync(readCheckpoint(join(folder, 'missing')), { instanceOf: HalfspaceError });
});

test('a failed write leaves the old file and no rubbish', async (t) => {
  const inside = mkdtempSync(join(folder, 'atomic-'));
  const path = join(inside, 'file');
  await writeAtomically(path, 'old');
  await t.throwsAsync(writeAtomically(path, Symbol('not bytes') as unknown as string));
  t.is(readFileSync(path, 'utf8'), 'old');
  t.deepEqual(readdirSync(inside), ['file']);
});

test('what a sub-network learned goes back to where it was cut from', (t) => {
  // Drops `gone`, keeps columns 0 and 2 of a 2 x 3 matrix.
  const cut: Cut = {
    carry: (weights) =>
      new Map([['kept', (weights.get('kept') as Float32Array).filter((_, at) => at % 3 !== 1)]]),
  };
  const outer = {
    weights: new Map([
      ['gone', Float32Array.of(9)],
      ['kept', Float32Array.of(0, 1, 2, 3, 4, 5)],
    ]),
    optimizer: [],
  };
  t.deepEqual([...(carryState(cut, outer).weights.get('kept') as Float32Array)], [0, 2, 3, 5]);
  const inner = { weights: new Map([['kept', Float32Array.of(10, 12, 13, 15)]]), optimizer: [] };
  const whole = expandState(traceOrigins(cut, outer.weights), inner, outer).weights;
  t.deepEqual([...(whole.get('kept') as Float32Array)], [10, 1, 12, 13, 4, 15]);
  t.deepEqual([...(whole.get('gone') as Float32Array)], [9]);
});

test('indices beyond 2^24 survive the way back', (t) => {
  const length = 2 ** 24 + 3;
  const last: Cut = {
    carry: (weights) => new Map([['kept', (weights.get('kept') as Float32Array).slice(length - 2)]]),
  };
  const outer = { weights: new Map([['kept', new Float32Array(length)]]), optimizer: [] };
  const inner = { weights: new Map([['kept', Float32Array.of(7, 8)]]), optimizer: [] };
  const whole = expandState(traceOrigins(last, outer.weights), inner, outer).weights.get(
    'kept',
  ) as Float32Array;
  t.deepEqual([whole[length - 3], whole[length - 2], whole[length - 1]], [0, 7, 8]);
});
