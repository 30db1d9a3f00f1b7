// The H2SPG policy as a state machine: properties that must hold for every run length and every share
// of warm-up and window.

import test from 'ava';
import fc from 'fast-check';
import { HalfspaceError } from '../lib/errors.js';
import {
  ceilings,
  initialPolicy,
  observe,
  phaseAt,
  plan,
  rampProgress,
  select,
  type Plan,
} from '../lib/train/policy.js';

const plans: fc.Arbitrary<Plan> = fc
  .record({
    steps: fc.integer({ min: 1, max: 5000 }),
    warmup: fc.double({ min: 0, max: 0.98, noNaN: true }),
    width: fc.double({ min: 0.01, max: 1, noNaN: true }),
  })
  .map(({ steps, warmup, width }) => plan(steps, { warmup, window: warmup + (1 - warmup) * width }));

test('by default a sixth of the run is warm-up and the window ends at a third', (t) => {
  t.deepEqual(plan(600), { warmup: 100, windowEnd: 200, steps: 600 });
});

test('every run has a window that starts inside it and ends inside it', (t) => {
  fc.assert(
    fc.property(plans, ({ warmup, windowEnd, steps }) => {
      t.true(warmup >= 0 && warmup < windowEnd && windowEnd <= steps);
    }),
  );
  t.pass();
});

test('the ramp never rises, is positive before the last step of the window and exactly zero from there', (t) => {
  fc.assert(
    fc.property(plans, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (run, norm) => {
      const state = select(initialPolicy, [0], [norm]);
      let before = Infinity;
      for (let step = run.warmup; step < run.steps; step += 1) {
        const ceiling = ceilings(run, state, step, 1)[0] as number;
        t.true(ceiling <= before);
        t.is(ceiling === 0, step >= run.windowEnd - 1);
        before = ceiling;
      }
    }),
    { numRuns: 50 },
  );
  t.pass();
});

test('the ramp is a straight line from the norm at selection', (t) => {
  const run: Plan = { warmup: 10, windowEnd: 20, steps: 40 };
  const state = select(initialPolicy, [1], [7, 5]);
  t.deepEqual([...ceilings(run, state, 10, 2)], [Infinity, 4.5]);
  t.deepEqual([...ceilings(run, state, 14, 2)], [Infinity, 2.5]);
  t.deepEqual([...ceilings(run, state, 19, 2)], [Infinity, 0]);
  t.is(rampProgress(run, 39), 1);
});

test('groups that are not taken are free in every step', (t) => {
  const run = plan(30);
  const state = select(initialPolicy, [2, 0], [1, 1, 1, 1]);
  for (let step = 0; step < 30; step += 1) {
    const vector = ceilings(run, state, step, 4);
    t.is(vector[1], Infinity);
    t.is(vector[3], Infinity);
  }
});

test('a group whose norm overflows still ends at zero', (t) => {
  const run: Plan = { warmup: 0, windowEnd: 2, steps: 3 };
  t.is(ceilings(run, select(initialPolicy, [0], [Infinity]), 1, 1)[0], 0);
});

test('phases follow one another at the planned steps', (t) => {
  const run: Plan = { warmup: 2, windowEnd: 4, steps: 6 };
  t.deepEqual(
    [0, 1, 2, 3, 4, 5].map((step) => phaseAt(run, step)),
    ['warm-up', 'warm-up', 'window', 'window', 'frozen', 'frozen'],
  );
});

test('scores are averaged exponentially, starting from the first', (t) => {
  const seen = [
    [4, 0],
    [0, 8],
    [2, 2],
  ];
  let calls = 0;
  const score = (): readonly number[] => seen[calls++] as number[];
  let state = initialPolicy;
  for (const _ of seen) state = observe(state, score, [], 0.5);
  // ((4 + 0) / 2 + 2) / 2 and ((0 + 8) / 2 + 2) / 2
  t.deepEqual(state.scores, [2, 3]);
});

test('a window that does not fit the run is refused', (t) => {
  for (const options of [{ warmup: 0.5, window: 0.5 }, { warmup: -0.1 }, { window: 1.1 }, { warmup: NaN }]) {
    const error = t.throws(() => plan(100, options), { instanceOf: HalfspaceError });
    t.is(error.code, 'ERR_OPTION');
  }
  t.is(t.throws(() => plan(0), { instanceOf: HalfspaceError }).code, 'ERR_OPTION');
});
