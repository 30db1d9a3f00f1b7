// Holds the optimizer step of a device to the reference interpreter: all rules, groups of every size and
// stride, free, taken, bounded and zero ones, several steps in a row.

import type { ExecutionContext } from 'ava';
import { HYPER, STATISTICS, type Span } from '../lib/compile/update.js';
import { random } from '../lib/random.js';
import { Session } from '../lib/train/session.js';
import { close, testOn } from './parity.js';
import { ReferenceSession } from './reference.js';
import { updateProgram, type UpdateProgram } from './update-program.js';

/** Elements are made of a dozen roundings of 6e-8, and statistics are sums of their products. */
const TOLERANCE = 2e-6;

/**
 * The penalty of a group follows amplify * -(x.d)/||x||, in which x.d may cancel: rounding d to float32
 * moves it by amplify * 6e-8 * ||d||, about 1e-6 here, and it is compared with penalties of 1e-2.
 */
const PENALTY_TOLERANCE = 1e-4;

type Vector = Readonly<Record<(typeof HYPER)[number], number>>;

const HYPERS: Readonly<Record<string, Vector>> = {
  gentle: {
    learningRate: 0.05,
    momentum: 0.9,
    beta2: 0.99,
    weightDecay: 1e-3,
    adamEpsilon: 1e-8,
    step: 1,
    lambda: 1e-3,
    amplify: 2,
    hat: 10,
    epsilon: 0.95,
  },
  harsh: {
    learningRate: 0.5,
    momentum: 0.5,
    beta2: 0.9,
    weightDecay: 0,
    adamEpsilon: 1e-4,
    step: 1,
    lambda: 1e-2,
    amplify: 20,
    hat: 1000,
    epsilon: 0,
  },
};

const span = (offset: number, length: number, stride = 1): Span => ({ offset, length, stride });

/** A dozen groups of all kinds; some elements belong to none. */
const mixed: UpdateProgram['groups'] = [
  [span(0, 1)],
  [span(1, 7), span(40, 3)],
  [span(16, 16)],
  [span(100, 33, 3)],
  [span(101, 33, 3)],
  [span(102, 33, 3), span(300, 200)],
  [span(512, 1024)],
  [span(1600, 17, 9)],
  [span(2000, 1500)],
  [span(3500, 64), span(3600, 64), span(3700, 64)],
];

/** One huge group and thousands of tiny ones, so that every way of sharing work is seen. */
const uneven: UpdateProgram['groups'] = [
  [span(0, 100_000)],
  ...Array.from({ length: 5000 }, (_, i) => [span(100_000 + 9 * i, 9)]),
  ...Array.from({ length: 500 }, (_, i) => [span(145_000 + i, 11, 500)]),
];

/** Free, taken without a bound, bounded, and made zero, in turn. */
const inTurn = (count: number): number[] =>
  Array.from({ length: count }, (_, g) => [Infinity, Number.MAX_VALUE, 0.7, 0][g % 4] as number);

const rules = [
  { rule: 'sgd' },
  { rule: 'sgd', nesterov: true },
  { rule: 'adam' },
  { rule: 'adamw' },
] as const;

export function holdUpdateToReference(device: string): void {
  for (const given of rules) {
    for (const [kind, hyper] of Object.entries(HYPERS)) {
      const title = `${given.rule}${'nesterov' in given ? ' with Nesterov' : ''}, ${kind}`;
      testOn(device)(`${device} updates like the reference: ${title}, all groups free`, async (t) => {
        const free = mixed.map(() => Infinity);
        await agreeOverSteps(t, { ...given, groups: mixed, length: 4000, device }, hyper, free);
      });
      testOn(device)(`${device} updates like the reference: ${title}, some groups taken`, async (t) => {
        const program = { ...given, groups: mixed, length: 4000, device };
        await agreeOverSteps(t, program, hyper, inTurn(mixed.length));
      });
    }
  }
  testOn(device)(`${device} updates like the reference without any group`, async (t) => {
    const program = { rule: 'adamw', groups: [], length: 100, device } as const;
    await agreeOverSteps(t, program, HYPERS['gentle'] as Vector, []);
  });
  testOn(device)(
    `${device} updates one huge group and thousands of tiny ones like the reference`,
    async (t) => {
      const program = { rule: 'sgd', groups: uneven, length: 151_000, device } as const;
      await agreeOverSteps(t, program, HYPERS['gentle'] as Vector, inTurn(uneven.length));
    },
  );
}

/** Three steps from the same start, each with new gradients. */
async function agreeOverSteps(
  t: ExecutionContext,
  description: UpdateProgram,
  hyper: Vector,
  ceilings: readonly number[],
): Promise<void> {
  const program = updateProgram(description);
  const reference = new ReferenceSession(program);
  using session = await Session.open(program, { precision: 'fp32' });
  const write = (arena: string, data: Float32Array): void => {
    reference.write(arena, data);
    session.write(arena, data);
  };
  write('parameters', startOf(description));
  for (let step = 1; step <= 3; step += 1) {
    write('gradients', noise(description.length, step));
    const data = {
      hyper: Float64Array.from(HYPER, (name) => (name === 'step' ? step : hyper[name])),
      ceilings: Float64Array.from(ceilings),
    };
    const expected = reference.run('run', data)['statistics'] as Float64Array;
    const actual = (await session.run('run', data))['statistics'] as Float64Array;
    STATISTICS.forEach((name, column) => {
      const tolerance = name === 'lambda' ? PENALTY_TOLERANCE : TOLERANCE;
      close(t, `${name} of step ${step}`, columnOf(actual, column), columnOf(expected, column), tolerance);
    });
    for (const { name } of program.arenas) {
      close(t, `${name} after step ${step}`, session.read(name), reference.read(name), TOLERANCE);
    }
  }
}

/** Normal weights, with the third group at zero. */
function startOf({ length, groups }: UpdateProgram): Float32Array {
  const start = noise(length, 0);
  for (const { offset, length: count, stride } of groups[2] ?? []) {
    for (let i = 0; i < count; i += 1) start[offset + i * stride] = 0;
  }
  return start;
}

function noise(length: number, seed: number): Float32Array {
  const stream = random(seed);
  return Float32Array.from({ length }, () => stream.normal());
}

const columnOf = (statistics: Float64Array, column: number): Float64Array =>
  statistics.filter((_, index) => index % STATISTICS.length === column);
