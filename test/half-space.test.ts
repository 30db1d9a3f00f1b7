// The CPU's update kernel against the published steps: parameters, state, statistics, penalties and what
// became zero; and what must hold whatever the numbers are.

import test, { type ExecutionContext } from 'ava';

import { HYPER, STATISTICS } from '../lib/compile/update.js';
import { Session } from '../lib/train/session.js';
import { arenasAfter, arenasOf, inputsOf, programOf, publishedUpdates } from './published-updates.js';
import type { UpdateCase } from './published-updates.js';
import { updateProgram } from './update-program.js';

/** Elements carry a dozen roundings of 6e-8 to float32, and sums are of such elements. */
const TOLERANCE = 1e-6;

type Row = Readonly<Record<(typeof STATISTICS)[number], number>>;

const rowsOf = (statistics: ArrayLike<number>): readonly Row[] =>
  Array.from({ length: statistics.length / STATISTICS.length }, (_, g) => {
    const columns = STATISTICS.map((name, column) => [name, statistics[g * STATISTICS.length + column]]);
    return Object.fromEntries(columns) as Row;
  });

function near(t: ExecutionContext, what: string, actual: number, expected: number, scale = 1): void {
  const allowed = TOLERANCE * Math.max(scale, Math.abs(expected));
  t.true(Math.abs(actual - expected) <= allowed, `${what} is ${actual}, expected ${expected}`);
}

async function runUpdate(given: UpdateCase): Promise<{ session: Session; rows: readonly Row[] }> {
  const session = await Session.open(programOf(given));
  for (const [name, data] of Object.entries(arenasOf(given))) session.write(name, Float32Array.from(data));
  const { statistics = [] } = await session.run('run', inputsOf(given));
  return { session, rows: rowsOf(statistics) };
}

/** x.d may cancel, so it is held relative to ||x|| ||d||, and what follows from it likewise. */
function holdStatistics(t: ExecutionContext, given: UpdateCase, rows: readonly Row[]): void {
  rows.forEach((row, g) => {
    const [xx, xd, dd] = [given.stats.xx[g] ?? NaN, given.stats.xd[g] ?? NaN, given.stats.dd[g] ?? NaN];
    const scale = Math.max(1, Math.sqrt(xx * dd));
    near(t, `||x||^2 of group ${g}`, row.squaredNorm, xx);
    near(t, `x.d of group ${g}`, row.slope, xd, scale);
    near(t, `||d||^2 of group ${g}`, row.squaredDirection, dd);
    const { taken, frozen, lambda_ = 0, trialDotX = 0, zero } = given.result[g] ?? { taken: false };
    if (taken && !frozen) {
      near(t, `lambda of group ${g}`, row.lambda, lambda_);
      near(t, `the trial of group ${g}`, row.trial, trialDotX, scale);
    }
    t.is(row.zero, zero ? 1 : 0, `whether group ${g} is zero`);
  });
}

const published = publishedUpdates();

for (const given of published ?? []) {
  test(`the kernel takes the published step: ${given.name}`, async (t) => {
    const { session, rows } = await runUpdate(given);
    for (const [name, expected] of Object.entries(arenasAfter(given))) {
      const actual = session.read(name);
      expected.forEach((value, i) => near(t, `${name}[${i}]`, actual[i] ?? NaN, value));
    }
    holdStatistics(t, given, rows);
    session.dispose();
  });
}

const withZeros = published?.filter(({ result }) => result.some(({ zero }) => zero)) ?? [];

for (const given of withZeros) {
  test(`what the published step makes zero is exactly zero and stays so: ${given.name}`, async (t) => {
    const { session } = await runUpdate(given);
    for (let step = 0; step < 3; step += 1) await session.run('run', inputsOf(given));
    const x = session.read('parameters');
    const zeros = given.groups.filter((_, g) => given.result[g]?.zero);
    for (const [offset, length, stride] of zeros.flat()) {
      for (let i = 0; i < length; i += 1) t.is(x[offset + i * stride], 0);
    }
    session.dispose();
  });
}

if (!published) test.skip('the kernel takes the published steps: ../shared/conformance is absent', () => {});

/** One step of sgd without momentum on the given parameters, all in one group. */
async function step(
  x: number[],
  gradient: number[],
  ceiling: number,
  hyper: Partial<Record<string, number>>,
) {
  const group = [{ offset: 0, length: x.length, stride: 1 }];
  using session = await Session.open(updateProgram({ rule: 'sgd', groups: [group], length: x.length }));
  session.write('parameters', Float32Array.from(x));
  session.write('gradients', Float32Array.from(gradient));
  const { statistics = [] } = await session.run('run', {
    hyper: Float64Array.from(HYPER, (name) => hyper[name] ?? 0),
    ceilings: Float64Array.of(ceiling),
  });
  return { x: [...session.read('parameters')], row: rowsOf(statistics)[0] as Row };
}

test('a free group moves along the direction and nothing else', async (t) => {
  const { x, row } = await step([3, 4], [1, -2], Infinity, { learningRate: 0.5, lambda: 1, epsilon: 0.95 });
  t.deepEqual(x, [2.5, 5]);
  t.like(row, { squaredNorm: 25, slope: -5, squaredDirection: 5, lambda: 0, trial: 0, zero: 0 });
});

test('a ceiling bounds the norm after the step', async (t) => {
  const { x, row } = await step([3, 4], [0, 0], 2, { learningRate: 0.01, lambda: 1e-3, amplify: 2, hat: 10 });
  x.forEach((value, i) => near(t, `x[${i}]`, value, [1.2, 1.6][i] as number));
  t.is(row.zero, 0);
});

test('a ceiling of zero makes the group zero', async (t) => {
  const { x, row } = await step([3, 4], [1, 1], 0, { learningRate: 0.01, lambda: 1e-3, amplify: 2, hat: 10 });
  t.deepEqual(x, [0, 0]);
  t.is(row.zero, 1);
});

test('a gradient that is no number does not wake a zero group', async (t) => {
  const { x } = await step([0, 0], [NaN, 1], Number.MAX_VALUE, { learningRate: 0.1, lambda: 1e-3 });
  t.deepEqual(x, [0, 0]);
});
