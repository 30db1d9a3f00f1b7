// The oracle itself: held to published update steps and to values that mathematics gives.

import test from 'ava';
import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import { f32 } from '../lib/shape.js';
import { arenasAfter, arenasOf, inputsOf, programOf, publishedUpdates } from './published-updates.js';
import type { UpdateCase } from './published-updates.js';
import { erf } from './reference-elementwise.js';
import { ReferenceSession } from './reference.js';

function runUpdate(given: UpdateCase, ceiling: number) {
  const session = new ReferenceSession(programOf(given));
  for (const [name, data] of Object.entries(arenasOf(given))) session.write(name, data);
  const { hyper, ceilings } = inputsOf(given, ceiling);
  const { statistics = new Float64Array() } = session.run('run', {
    hyper: [...hyper],
    ceilings: [...ceilings],
  });
  return { session, rows: given.groups.map((_, g) => [...statistics.subarray(6 * g, 6 * g + 6)]) };
}

/** Both sides are float64 sums of a few thousand terms at most. */
const close = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  Array.from(a).every(
    (value, i) => Math.abs(value - (b[i] as number)) <= 1e-12 * Math.max(1, Math.abs(value)),
  );

const published = publishedUpdates();

for (const given of published ?? []) {
  test(`the update takes the published step: ${given.name}`, (t) => {
    const { session, rows } = runUpdate(given, Number.MAX_VALUE);
    for (const [name, expected] of Object.entries(arenasAfter(given))) {
      t.true(close(session.read(name), expected), name);
    }
    rows.forEach((row, g) => {
      const { xx, xd, dd } = given.stats;
      const { taken, frozen, lambda_ = 0, trialDotX = 0, zero = false } = given.result[g] ?? { taken: false };
      t.true(close(row.slice(0, 3), [xx[g] as number, xd[g] as number, dd[g] as number]));
      if (taken && !frozen) t.true(close(row.slice(3, 5), [lambda_, trialDotX]));
      t.is(row[5], zero ? 1 : 0);
    });
  });
}

if (!published) test.skip('the update takes the published steps: ../shared/conformance is absent', () => {});

test('a ceiling bounds the norm of a taken group, and zero makes it zero', (t) => {
  const given: UpdateCase = {
    name: 'ceiling',
    variant: 'sgd',
    hyper: { lr: 0.01, weightDecay: 0, taken: [0], epsilon: 0 },
    defaults: { lambda_: 1e-3, amplify: 2, hat: 10 },
    groups: [[[0, 2, 1]], [[2, 2, 1]]],
    x: [3, 4, 3, 4],
    grad: [0, 0, 0, 0],
    xAfter: [],
    state: {},
    stats: { xx: [], xd: [], dd: [] },
    result: [],
  };
  const { session, rows } = runUpdate(given, 2);
  t.true(close(session.read('parameters'), [1.2, 1.6, 3, 4]));
  t.is(rows[0]?.[5], 0);
  const zeroed = runUpdate(given, 0);
  t.deepEqual(zeroed.session.read('parameters'), Float64Array.of(0, 0, 3, 4));
  t.is(zeroed.rows[0]?.[5], 1);
});

// Values of Abramowitz and Stegun, table 7.1.
for (const [x, value] of [
  [0, 0],
  [0.5, 0.5204998778],
  [1, 0.8427007929],
  [1.5, 0.9661051465],
  [2, 0.995322265],
] as const) {
  test(`erf(${x}) is ${value}, and erf is odd`, (t) => {
    t.true(Math.abs(erf(x) - value) < 1e-10);
    t.is(erf(-x), -erf(x));
  });
}

test('the interpreter refuses wrong lengths and unknown names', (t) => {
  const x = tensor('x', f32([2]), { kind: 'input' });
  const y = tensor('y', f32([2]), { kind: 'output' });
  const step = { kernel: 'magic', inputs: [x], outputs: [y], attrs: {}, label: 'trick' };
  const session = new ReferenceSession(
    assemble('cpu', [], [{ name: 'go', inputs: [x], outputs: [y], steps: [step] }]),
  );
  t.throws(() => session.run('go', { x: [1] }), { message: "input 'x' has 1 elements, expected 2" });
  t.throws(() => session.run('go', { x: [1, 2] }), { message: "unknown kernel 'magic' at 'trick'" });
  t.throws(() => session.run('stop', {}), { message: "the program has no entry 'stop'" });
  t.throws(() => session.read('attic'), { message: "the program has no arena 'attic'" });
});
