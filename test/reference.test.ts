// The oracle itself: held to published update steps and to values that mathematics gives.

import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { assemble } from '../lib/compile/assemble.js';
import { tensor } from '../lib/compile/lower.js';
import type { Program } from '../lib/compile/program.js';
import type { UpdateRule } from '../lib/compile/update.js';
import { f32 } from '../lib/shape.js';
import { erf } from './reference-elementwise.js';
import { ReferenceSession } from './reference.js';
import { updateProgram } from './update-program.js';

const published = new URL('../../shared/conformance/h2spg-steps.json', import.meta.url);

/** One published step, in float64. */
interface UpdateCase {
  readonly name: string;
  readonly variant: UpdateRule;
  readonly hyper: {
    readonly lr: number;
    readonly momentum?: number;
    readonly beta1?: number;
    readonly beta2?: number;
    readonly weightDecay: number;
    readonly step?: number;
    readonly epsilon: number;
    readonly nesterov?: boolean;
    readonly taken: readonly number[];
  };
  readonly defaults: { readonly lambda_: number; readonly amplify: number; readonly hat: number };
  readonly groups: readonly (readonly [number, number, number][])[];
  readonly x: number[];
  readonly grad: number[];
  readonly xAfter: number[];
  readonly state: Readonly<Record<string, number[]>>;
  readonly stats: Readonly<Record<'xx' | 'xd' | 'dd', number[]>>;
  readonly result: readonly {
    readonly taken: boolean;
    readonly frozen?: boolean;
    readonly lambda_?: number;
    readonly trialDotX?: number;
    readonly zero?: boolean;
  }[];
}

/** The program of a published step. */
const programOf = ({ variant, hyper, groups, x }: UpdateCase): Program =>
  updateProgram({
    rule: variant,
    nesterov: hyper.nesterov ?? false,
    groups: groups.map((g) => g.map(([offset, length, stride]) => ({ offset, length, stride }))),
    length: x.length,
  });

function runUpdate(given: UpdateCase, ceiling: number) {
  const { hyper: h, defaults } = given;
  const { lambda_: lambda, amplify, hat } = defaults;
  const session = new ReferenceSession(programOf(given));
  session.write('parameters', given.x);
  session.write('gradients', given.grad);
  session.write('state1', given.state['momentum'] ?? given.state['m'] ?? []);
  if (given.state['v']) session.write('state2', given.state['v']);
  const base = [h.lr, h.momentum ?? h.beta1 ?? 0, h.beta2 ?? 0, h.weightDecay, 1e-8, h.step ?? 1];
  const { statistics = new Float64Array() } = session.run('run', {
    hyper: [...base, lambda, amplify, hat, h.epsilon],
    ceilings: given.groups.map((_, group) => (h.taken.includes(group) ? ceiling : Infinity)),
  });
  return { session, rows: given.groups.map((_, g) => [...statistics.subarray(6 * g, 6 * g + 6)]) };
}

/** Both sides are float64 sums of a few thousand terms at most. */
const close = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  Array.from(a).every(
    (value, i) => Math.abs(value - (b[i] as number)) <= 1e-12 * Math.max(1, Math.abs(value)),
  );

if (existsSync(published)) {
  const { cases } = JSON.parse(readFileSync(published, 'utf8')) as { readonly cases: readonly UpdateCase[] };
  for (const given of cases) {
    test(`the update takes the published step: ${given.name}`, (t) => {
      const { session, rows } = runUpdate(given, Number.MAX_VALUE);
      t.true(close(session.read('parameters'), given.xAfter));
      t.true(close(session.read('state1'), given.state['momentumAfter'] ?? given.state['mAfter'] ?? []));
      if (given.state['vAfter']) t.true(close(session.read('state2'), given.state['vAfter']));
      rows.forEach((row, g) => {
        const { xx, xd, dd } = given.stats;
        const {
          taken,
          frozen,
          lambda_ = 0,
          trialDotX = 0,
          zero = false,
        } = given.result[g] ?? { taken: false };
        t.true(close(row.slice(0, 3), [xx[g] as number, xd[g] as number, dd[g] as number]));
        if (taken && !frozen) t.true(close(row.slice(3, 5), [lambda_, trialDotX]));
        t.is(row[5], zero ? 1 : 0);
      });
    });
  }
} else {
  test.skip('the update takes the published steps: ../shared/conformance is not present', () => {});
}

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
