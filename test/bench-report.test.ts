// How results of benchmarks are printed, against figures worked out by hand.

import test from 'ava';
import { formatMachine, formatResult, jsonReport, meanRatio, type Machine } from '../bench/report.js';

const machine: Machine = {
  processor: 'a processor',
  instructions: 'avx2',
  threads: 2,
  node: 'v20.0.0',
  engine: 'oneDNN 2.6.3',
  pytorch: '2.13.0',
  precision: 'fp32',
  mode: 'PyTorch eager',
  layouts: 'as they are',
  load: 0,
};

const results = [
  { name: 'step/one', ours: 10, peer: 20, details: { contiguous: 25, channels_last: 20 } },
  { name: 'step/two', ours: 10, peer: 80 },
  { name: 'step/alone', ours: 10 },
  { name: 'memory/one', unit: 'MB', ours: 100, peer: 300 },
  { name: 'command/node', ours: 40, command: 'node -e 0' },
] as const;

test('results against a peer have its figure and a ratio, and the mean is that of training steps', (t) => {
  t.deepEqual(jsonReport(machine, results), {
    machine,
    results: [
      {
        name: 'step/one',
        ours_ms: 10,
        pytorch_ms: 20,
        ratio: 2,
        details: { contiguous: 25, channels_last: 20 },
      },
      { name: 'step/two', ours_ms: 10, pytorch_ms: 80, ratio: 8 },
      { name: 'step/alone', ours_ms: 10, pytorch_ms: null, ratio: null },
      { name: 'memory/one', ours_mb: 100, pytorch_mb: 300, ratio: 3 },
      { name: 'command/node', ours_ms: 40, pytorch_ms: null, ratio: null, command: 'node -e 0' },
    ],
    geomean: meanRatio(results),
  });
  // The root of 2 times 8.
  t.true(Math.abs((meanRatio(results) ?? 0) - 4) < 1e-12);
});

test('without a ratio there is no mean', (t) => {
  t.is(meanRatio(results.slice(2)), null);
});

test('a line has both figures and the ratio, details, and below it the command', (t) => {
  t.deepEqual(results.slice(0, 1).map(formatResult), [
    `${'step/one'.padEnd(28)}     10.00 ms  peer 20.00 ms  2.00x  (contiguous 25, channels_last 20)`,
  ]);
  t.is(formatResult(results[4]), `${'command/node'.padEnd(28)}     40.00 ms\n    node -e 0`);
});

test('the lines above a table say how PyTorch ran, where there is one', (t) => {
  t.regex(formatMachine(machine), /^peer: PyTorch eager$/m);
  t.notRegex(formatMachine({ ...machine, pytorch: null }), /^peer:/m);
});
