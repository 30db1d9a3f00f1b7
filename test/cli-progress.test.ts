// What `train` says on stderr where no terminal is there: lines that are new, times that can be known, and
// lists of ids that stay short.

import test from 'ava';
import type { Output } from '../lib/cli/output.js';
import { showProgress } from '../lib/cli/progress.js';
import type { Progress, StepProgress } from '../lib/index.js';
import { formatIds } from '../lib/report/numbers.js';

const step = (step: number, phase: StepProgress['phase']): StepProgress => ({
  kind: 'step',
  step,
  steps: 200,
  epoch: 1,
  epochs: 2,
  loss: 2 - step / 100,
  accuracy: 0.5,
  learningRate: 0.1,
  phase,
  zeroGroups: 0,
  imagesPerSecond: 80,
});

const selection = (count: number): Progress => ({
  kind: 'selection',
  step: 100,
  groups: [],
  segments: Array.from({ length: count }, (_, index) => 3 * index),
  scores: [],
  accuracy: 0.625,
});

/** What is printed of events that come at given seconds. */
function lines(events: readonly (readonly [seconds: number, event: Progress])[]): readonly string[] {
  const printed: string[] = [];
  const output: Output = { quiet: false, result: () => undefined, note: (text) => void printed.push(text) };
  let now = 0;
  const view = showProgress(output, { isTTY: false, clock: () => 1000 * now });
  for (const [seconds, event] of events) {
    now = seconds;
    view.update(event);
  }
  view.end();
  return printed;
}

test('steps are told every ten seconds, selection once, and time left only behind it', (t) => {
  const warmUp = Array.from({ length: 100 }, (_, i) => [0.15 * i, step(i + 1, 'warm-up')] as const);
  const window = Array.from({ length: 60 }, (_, i) => [200 + 0.5 * i, step(i + 101, 'window')] as const);
  t.deepEqual(lines([...warmUp, [15, { kind: 'selecting', step: 100 }], [199, selection(3)], ...window]), [
    '0% | epoch 1/2 | warm-up | loss 1.990 | 80 images/s',
    '34% | epoch 1/2 | warm-up | loss 1.320 | 80 images/s',
    'selecting',
    'chose segments 0, 3, 6 (super-network: 62.50 %)',
    '50% | epoch 1/2 | window | loss 0.990 | 80 images/s',
    '60% | epoch 1/2 | window | loss 0.790 | 80 images/s | 40 s left',
    '70% | epoch 1/2 | window | loss 0.590 | 80 images/s | 30 s left',
  ]);
});

test('of many ids the first are named, with their number', (t) => {
  t.is(formatIds([1, 4, 7]), '1, 4, 7');
  t.is(formatIds(Array.from({ length: 135 }, (_, i) => i)), '0, 1, 2, 3, 4, 5, 6, 7, ... (135 in all)');
  t.deepEqual(lines([[0, selection(135)]]), ['chose 135 segments (super-network: 62.50 %)']);
});
