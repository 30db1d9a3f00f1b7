// The benchmarks' PyTorch: it computes the network, and holds no more of it than one written by hand would.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { tiny } from '../bench/networks.js';
import { describeNetwork } from '../bench/peer.js';
import { pythonWith } from './onnx-tools.js';
import { bench } from './short-bench.js';

const python = pythonWith('torch');
const peerTest = python ? test.serial : test.serial.skip;
const script = fileURLToPath(new URL('bench-peer.py', import.meta.url));

interface Results {
  readonly output: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

interface Answer {
  readonly alive: readonly number[];
  readonly dropping: Results;
  readonly holding: Results;
}

function askPeer(): Answer {
  const input = JSON.stringify(describeNetwork(tiny()));
  return JSON.parse(execFileSync(python as string, [script], { input, encoding: 'utf8' })) as Answer;
}

peerTest('values of the PyTorch peer die after their last use, which changes no number', (t) => {
  const { alive, dropping, holding } = askPeer();
  // Before each node from the second to the flatten: the stem's output is read again by the sum and the concatenation.
  t.deepEqual(alive.slice(0, -1), [1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1]);
  t.true(dropping.output.some((value) => value !== 0));
  t.deepEqual(dropping, holding);
});

for (const [only, unit] of [
  ['step/separable', 'ms'],
  ['step/stackedunets', 'ms'],
  ['memory/stackedunets', 'mb'],
] as const) {
  peerTest(`a short run of ${only} against PyTorch gives figures of both and their ratio`, async (t) => {
    const { results } = await bench(only, { HALFSPACE_PYTHON: python as string });
    const [result] = results;
    const [ours = 0, peer = 0] = [result?.[`ours_${unit}`], result?.[`pytorch_${unit}`]].map(Number);
    t.true(ours > 0 && peer > 0);
    t.is(result?.ratio, peer / ours);
    t.is(peer, Math.min(...['contiguous', 'channels_last'].map((layout) => result?.details?.[layout] ?? 0)));
  });
}
