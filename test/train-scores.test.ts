// Redundancy scores: the paper's against recorded single steps in float64, the others against their
// formulas on numbers worked out by hand.

import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { offsetOf } from '../lib/compile/layout.js';
import { HalfspaceError } from '../lib/errors.js';
import { addGates } from '../lib/search/gates.js';
import { groupSpans, searchSpace } from '../lib/search/space.js';
import { DeviceNetwork } from '../lib/train/device-network.js';
import { testBatches } from '../lib/train/feed.js';
import { optimizer } from '../lib/train/optimizer.js';
import { initialWeights } from '../lib/weights.js';
import { openReference, tinyDataset, tinyNetwork } from './training-fixtures.js';
import { groupStatistics, score, scoreNames, type GroupStatistics } from '../lib/train/scores.js';

interface RecordedStep {
  readonly name: string;
  readonly groups: readonly (readonly (readonly [number, number, number])[])[];
  readonly stats: { readonly xx: number[]; readonly xd: number[]; readonly dd: number[] };
  readonly score: number[];
}

const recorded = new URL('../../shared/conformance/h2spg-steps.json', import.meta.url);

const recordedTest = existsSync(recorded) ? test : test.skip;

recordedTest("the paper's score is the one recorded for every conformance step", (t) => {
  const { cases } = JSON.parse(readFileSync(recorded, 'utf8')) as { readonly cases: RecordedStep[] };
  for (const step of cases) {
    const groups = step.groups.map((spans, group): GroupStatistics => ({
      squaredNorm: step.stats.xx[group] as number,
      slope: step.stats.xd[group] as number,
      squaredDirection: step.stats.dd[group] as number,
      size: spans.reduce((sum, [, length]) => sum + length, 0),
    }));
    const actual = score('paper')(groups);
    // The same formula in the same precision: a few roundings of float64.
    step.score.forEach((expected, group) => {
      t.true(Math.abs((actual[group] as number) - expected) <= 1e-12, `${step.name}, group ${group}`);
    });
  }
});

// Norms 2, 3, 6 over sizes 4, 1, 3; the slopes oppose, are flat and agree.
const groups: readonly GroupStatistics[] = [
  { squaredNorm: 4, slope: -2, squaredDirection: 1, size: 4 },
  { squaredNorm: 9, slope: 0, squaredDirection: 1, size: 1 },
  { squaredNorm: 36, slope: 3, squaredDirection: 4, size: 3 },
];

/** Group ids, the most redundant first. */
const ranking = (name: string): number[] => {
  const values = score(name)(groups);
  return [0, 1, 2].toSorted((a, b) => (values[b] as number) - (values[a] as number));
};

test('magnitudes rank the smallest group first', (t) => {
  t.deepEqual(ranking('magnitude'), [0, 1, 2]);
  t.deepEqual(ranking('average-magnitude'), [0, 2, 1]); // 2/4, 6/3, 3/1
});

test('the cosine ranks the group first that descent already shrinks', (t) => {
  t.deepEqual(score('cosine')(groups), [-1, 0, 0.25]);
});

test('Taylor scores rank the group first whose absence changes the loss least', (t) => {
  t.deepEqual(ranking('taylor1'), [1, 0, 2]);
  t.deepEqual(ranking('taylor2'), [1, 0, 2]);
});

test('no score gives anything but finite numbers for groups at zero', (t) => {
  const dead: GroupStatistics = { squaredNorm: 0, slope: 0, squaredDirection: 0, size: 5 };
  for (const name of scoreNames) {
    t.true(score(name)([dead, dead]).every(Number.isFinite), name);
    t.true(score(name)([dead, groups[0] as GroupStatistics]).every(Number.isFinite), name);
  }
});

test('an unknown score is refused with the nearest name', (t) => {
  const error = t.throws(() => score('taylor3'), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_OPTION');
  t.regex(error.message, /unknown score 'taylor3' \(did you mean 'taylor1'\?\)/);
});

test('what every object inherits is no score', (t) => {
  t.throws(() => score('constructor'), { instanceOf: HalfspaceError, code: 'ERR_OPTION' });
});

test('the statistics matrix is read by rows of the kernel contract', (t) => {
  const matrix = [4, -2, 1, 0, 0, 0, 9, 0, 1, 0, 0, 1];
  t.deepEqual(groupStatistics(matrix, [4, 1]), groups.slice(0, 2));
});

// Central differences of 0.1 %: a rectifier in between, and parameters rounded to float32, cost up to 1e-3.
test('the slope of a group is how the loss changes when all its parameters grow, gates and layers alike', async (t) => {
  const { graph } = addGates(tinyNetwork());
  const space = searchSpace(graph);
  for (const [rule, softTargets] of [
    ['sgd', false],
    ['adam', true],
  ] as const) {
    const network = await DeviceNetwork.open(
      graph,
      () => ({ weights: initialWeights(graph, 0), optimizer: [] }),
      {
        batch: 8,
        optimizer: optimizer(rule),
        loss: null,
        smoothing: 0,
        softTargets,
        probed: true,
        device: 'cpu',
        open: openReference,
        groups: (layout) => space.groups.map((group) => groupSpans(group, (name) => offsetOf(layout, name))),
      },
    );
    const { value: batch } = await testBatches(tinyDataset, { batch: 8, skipCorrupt: null }).next();
    if (!batch) throw new Error('the fixture has no images');
    const before = network.snapshot();
    const slopes = await network.slopes(batch);
    t.deepEqual(network.snapshot(), before);
    const parameters = network.parameters();
    const lossAt = async (group: number, factor: number): Promise<number> => {
      const scaled = parameters.slice();
      for (const { offset, length, stride } of network.groups[group] ?? []) {
        for (let i = 0; i < length; i += 1) {
          const at = offset + i * stride;
          scaled[at] = factor * (parameters[at] as number);
        }
      }
      network.writeParameters(scaled);
      return (await network.probe(batch)).loss;
    };
    for (const [group, slope] of slopes.entries()) {
      const expected = ((await lossAt(group, 1.001)) - (await lossAt(group, 0.999))) / 0.002;
      t.true(Math.abs(slope - expected) < 1e-3, `${rule}, group ${group}: ${slope}, expected ${expected}`);
    }
    t.true(slopes.some((slope) => Math.abs(slope) > 1e-2));
  }
});
