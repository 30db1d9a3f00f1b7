// Learning-rate schedules against rates recorded from PyTorch 2.13 (torch.optim.lr_scheduler), and the
// hyper vector that carries them to the device.

import test from 'ava';
import { HYPER } from '../lib/compile/update.js';
import { HalfspaceError } from '../lib/errors.js';
import { hyperVector, optimizer, stateCount } from '../lib/train/optimizer.js';
import { learningRate, schedule, type Schedule } from '../lib/train/schedule.js';

const steps = 12;

/** Both sides are double arithmetic; PyTorch's recurrences round a little differently. */
const tolerance = 1e-12;

function follows(expected: readonly number[], actual: Schedule): boolean {
  return expected.every(
    (rate, step) => Math.abs(learningRate(actual, step, steps) - rate) <= tolerance * rate,
  );
}

test('the constant schedule with warm-up is LinearLR(start_factor=1/4, total_iters=3)', (t) => {
  t.true(follows([0.025, 0.05, 0.075, ...Array<number>(9).fill(0.1)], schedule('constant', 0.1, 4)));
});

test('the step schedule is MultiStepLR at a half and three quarters', (t) => {
  const expected = [...Array<number>(6).fill(0.1), 0.01, 0.01, 0.01, 0.001, 0.001, 0.001];
  t.true(follows(expected, schedule('step', 0.1)));
});

test('the cosine schedule is CosineAnnealingLR(12)', (t) => {
  const expected = [
    0.1, 0.09829629131445342, 0.09330127018922195, 0.08535533905932738, 0.07500000000000001,
    0.06294095225512605, 0.05000000000000001, 0.03705904774487397, 0.025000000000000015, 0.01464466094067263,
    0.006698729810778066, 0.0017037086855465904,
  ];
  t.true(follows(expected, schedule('cosine', 0.1)));
});

test('cosine after warm-up is SequentialLR of LinearLR and CosineAnnealingLR(8)', (t) => {
  const expected = [
    0.025, 0.05, 0.07500000000000001, 0.1, 0.1, 0.09619397662556434, 0.08535533905932738, 0.0691341716182545,
    0.05, 0.030865828381745515, 0.014644660940672627, 0.0038060233744356634,
  ];
  t.true(follows(expected, schedule('cosine', 0.1, 4)));
});

test('a cosine with a floor is CosineAnnealingLR(12, eta_min=0.01)', (t) => {
  const expected = [
    0.1, 0.09846666218300808, 0.09397114317029975, 0.08681980515339464, 0.07750000000000001,
    0.06664685702961345, 0.055000000000000014, 0.04335314297038658, 0.032500000000000015,
    0.023180194846605367, 0.01602885682970026, 0.011533337816991932,
  ];
  t.true(follows(expected, { kind: 'cosine', rate: 0.1, warmup: 0, floor: 0.1 }));
});

test('a learning rate that is not positive is refused', (t) => {
  for (const rate of [0, -1, NaN, Infinity]) {
    t.is(t.throws(() => schedule('cosine', rate), { instanceOf: HalfspaceError }).code, 'ERR_OPTION');
  }
});

test('the hyper vector follows the order of the kernel contract and counts steps from one', (t) => {
  const vector = hyperVector(optimizer('adamw'), 0.003, 6);
  const named = Object.fromEntries(HYPER.map((name, index) => [name, vector[index]]));
  t.deepEqual(named, {
    learningRate: 0.003,
    momentum: 0.9,
    beta2: 0.999,
    weightDecay: 0.01,
    adamEpsilon: 1e-8,
    step: 7,
    lambda: 1e-2,
    amplify: 20,
    hat: 1000,
    epsilon: 0.95,
  });
});

const constants = (name: string): number[] => {
  const { lambda, amplify, hat, epsilon } = optimizer(name);
  return [lambda, amplify, hat, epsilon];
};

test('each base optimizer has its own penalty constants', (t) => {
  t.deepEqual(constants('sgd'), [1e-3, 2, 10, 0.95]);
  t.deepEqual(constants('adam'), [1e-2, 20, 1e3, 0.95]);
  t.deepEqual(constants('adamw'), [1e-2, 20, 1e3, 0.95]);
  t.deepEqual(
    ['sgd', 'adam', 'adamw'].map((name) => stateCount(optimizer(name))),
    [1, 2, 2],
  );
});

test('an unknown optimizer is refused with the nearest name', (t) => {
  const error = t.throws(() => optimizer('adamv'), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_OPTION');
  t.regex(error.message, /unknown optimizer 'adamv' \(did you mean 'adamw?'\?\)/);
});
