// Training a tiny super-network from start to end on the native engine, and its promises: the target
// is met exactly, the same seed gives the same bits, a run goes on as if never interrupted, and
// erasing while training changes nothing but the cost.

import { setTimeout } from 'node:timers/promises';

import test from 'ava';
import { horizontalFlip } from '../lib/data/augment.js';
import type { Dataset, Split } from '../lib/data/dataset.js';
import { cutmix, mixup } from '../lib/data/mix.js';
import { HalfspaceError } from '../lib/errors.js';
import type { Graph, Value } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { constructSubnet } from '../lib/search/subnet.js';
import type { Checkpoint } from '../lib/train/checkpoint.js';
import type { OpenSession, SessionLike } from '../lib/train/device-network.js';
import { openNative } from '../lib/train/device-network.js';
import { checkFits, evaluate } from '../lib/train/evaluate.js';
import { InferenceNetwork } from '../lib/train/inference.js';
import { resolveOptions, type SearchOptions } from '../lib/train/options.js';
import { optimizer, optimizerNames } from '../lib/train/optimizer.js';
import type { Progress } from '../lib/train/progress.js';
import { schedule, scheduleNames } from '../lib/train/schedule.js';
import { Trainer, type Trained } from '../lib/train/trainer.js';
import { initialWeights, type Weights } from '../lib/weights.js';
import { openReference, tinyDataset, tinyNetwork } from './training-fixtures.js';

const short: SearchOptions = {
  target: { kind: 'count', count: 2 },
  epochs: 3,
  batch: 8,
  learningRate: 0.05,
  threads: 1,
};

interface Run extends Trained {
  readonly events: readonly Progress[];
}

/** Trains to the end; `until` may stop the run after an event. */
async function train(
  options: SearchOptions = {},
  checkpoint?: Checkpoint,
  graph: Graph = tinyNetwork(),
  watch: (event: Progress, trainer: Trainer) => void = () => {},
  dataset: Dataset = tinyDataset,
): Promise<Run> {
  const trainer = await Trainer.open(
    graph,
    dataset,
    resolveOptions(dataset, { ...short, ...options }),
    checkpoint,
  );
  try {
    const events: Progress[] = [];
    const run = trainer.run();
    for (;;) {
      const { done, value } = await run.next();
      if (done) return { ...value, events };
      events.push(value);
      watch(value, trainer);
    }
  } finally {
    trainer.dispose();
  }
}

const ofKind = <K extends Progress['kind']>({ events }: Run, kind: K): Extract<Progress, { kind: K }>[] =>
  events.filter((event): event is Extract<Progress, { kind: K }> => event.kind === kind);

/** The groups that a run took. */
const chosen = ({ checkpoint }: Run): number[] =>
  (checkpoint.position.policy.taken ?? []).map(({ group }) => group);

/** All but the clock. */
const timeless = ({ network, position }: Checkpoint): object => ({
  network,
  position: { ...position, seconds: 0 },
});

/**
 * Largest difference of any element, relative to the largest of its parameter, or to `smallest` where all are
 * below that.
 */
function distance(a: Weights, b: Weights, smallest = 1e-3): number {
  let worst = 0;
  for (const [name, values] of a) {
    const others = b.get(name) as Float32Array;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), smallest);
    values.forEach((value, at) => {
      worst = Math.max(worst, Math.abs(value - (others[at] as number)) / largest);
    });
  }
  return worst;
}

test('a run learns, and ends with exactly the groups at zero that it chose', async (t) => {
  const run = await train({ epochs: 8 });
  t.true(run.complete);
  const epochs = ofKind(run, 'epoch');
  t.is(epochs.length, 8);
  // Three balanced classes: chance is a third.
  t.true((epochs.at(-1)?.testAccuracy ?? 0) > 0.8, JSON.stringify(epochs.at(-1)));
  const [selection] = ofKind(run, 'selection');
  t.is(selection?.groups.length, 2);
  t.is(selection?.step, 16);
  t.is(ofKind(run, 'erasure')[0]?.step, 32);
  t.is(ofKind(run, 'step').at(-1)?.zeroGroups, 2);
});

test('phases and ceilings follow the plan in the events', async (t) => {
  const phases = ofKind(await train(), 'step').map(({ phase }) => phase);
  t.is(phases.length, 36);
  t.deepEqual(
    phases,
    phases.map((_, index) => (index < 6 ? 'warm-up' : index < 12 ? 'window' : 'frozen')),
  );
});

for (const steps of [1, 2, 3, 7]) {
  test(`even a run of ${steps} steps meets its target`, async (t) => {
    const run = await train({ steps });
    const taken = run.checkpoint.position.policy.taken ?? [];
    t.is(taken.length, 2);
    t.true(run.checkpoint.position.erased);
  });
}

for (const name of ['sgd', 'adam', 'adamw'] as const) {
  test(`every score completes with ${name}`, async (t) => {
    for (const score of [
      'paper',
      'magnitude',
      'average-magnitude',
      'cosine',
      'taylor1',
      'taylor2',
    ] as const) {
      const run = await train({ optimizer: name, score, steps: 9, learningRate: 0.01 });
      t.is(chosen(run).length, 2, score);
      t.true(run.checkpoint.position.erased, score);
    }
  });
}

/** The entries of each program that a run opens. */
async function compiled(score: 'paper' | 'ablation'): Promise<readonly (readonly string[])[]> {
  const programs: string[][] = [];
  const open: OpenSession = (program) => {
    programs.push(program.entries.map(({ name }) => name));
    return openReference(program);
  };
  await train({ score, open });
  return programs;
}

test('what ablation measures with is compiled for it alone, and not for what is left after it', async (t) => {
  const trains = ['train', 'eval'];
  t.deepEqual(await compiled('ablation'), [['train', 'probe', 'eval'], trains]);
  t.deepEqual(await compiled('paper'), [trains, trains]);
});

test('the same seed gives the same bits, another seed others', async (t) => {
  const [first, second, other] = [await train(), await train(), await train({ seed: 1 })];
  t.deepEqual(timeless(first.checkpoint), timeless(second.checkpoint));
  t.notDeepEqual(timeless(first.checkpoint), timeless(other.checkpoint));
});

test('training on the native engine follows the float64 reference', async (t) => {
  const options: SearchOptions = { steps: 12, learningRate: 0.01 };
  const native = await train({ ...options, open: openNative(1) });
  const reference = await train({ ...options, open: openReference });
  t.deepEqual(chosen(native), chosen(reference));
  // Rounding of float32, 6e-8, grown over 12 steps of a few layers.
  t.true(distance(reference.checkpoint.network.weights, native.checkpoint.network.weights) < 1e-3);
});

/** An `adamEpsilon` above the rounding noise in gradients that are zero, which Adam else makes full steps of. */
const deaf = { adamEpsilon: 1e-3 };

for (const rule of optimizerNames) {
  test(`erasing while training with ${rule} gives what training to the end with zeros gives`, async (t) => {
    const options = { optimizer: optimizer(rule, deaf), learningRate: rule === 'sgd' ? 0.05 : 0.005 };
    const [erased, whole] = [await train(options), await train({ ...options, eraseAsYouTrain: false })];
    t.true(erased.checkpoint.position.erased);
    t.false(whole.checkpoint.position.erased);
    t.deepEqual(chosen(erased), chosen(whole));
    // Everything in the sub-network, momentum and moments included, agrees to float32 rounding, grown over
    // 24 steps; what was cut off stays as it was at the cut.
    const subnet = constructSubnet(tinyNetwork(), chosen(whole));
    const left = ({ checkpoint: { network } }: Run): readonly Weights[] =>
      [network.weights, ...network.optimizer].map((state) => subnet.carry(state));
    const [expected, arrived] = [left(whole), left(erased)];
    t.is(expected.length, rule === 'sgd' ? 2 : 3);
    for (const [index, state] of expected.entries()) {
      t.true(state.size > 10);
      t.true(distance(state, arrived[index] as Weights, smallest[index]) < 1e-3);
    }
  });
}

/** What counts as large in weights, in momentum or first moments, and in second moments, which are squares. */
const smallest = [1e-3, 1e-3, 1e-6];

for (const at of [4, 6, 9, 12, 20]) {
  test(`a run stopped after step ${at} goes on bit for bit`, async (t) => {
    const stop = new AbortController();
    const first = await train({ stop: stop.signal }, undefined, tinyNetwork(), (event) => {
      if (event.kind === 'step' && event.step === at) stop.abort();
    });
    t.false(first.complete);
    t.is(first.checkpoint.position.step, at);
    const second = await train({}, first.checkpoint);
    t.true(second.complete);
    t.deepEqual(timeless(second.checkpoint), timeless((await train()).checkpoint));
  });
}

/** Counts the runs of an entry of every program opened, and tells after each. */
const openCounting =
  (counted: string, told: (count: number) => void): OpenSession =>
  async (program) => {
    const session = await openNative(1)(program);
    let count = 0;
    return {
      run: async (entry, inputs, options) => {
        const outputs = await session.run(entry, inputs, options);
        if (entry === counted) told((count += 1));
        return outputs;
      },
      write: (arena, data, offset) => session.write(arena, data, offset),
      read: (arena, offset, length) => session.read(arena, offset, length),
      dispose: () => session.dispose(),
    };
  };

/**
 * A session whose training steps but the last of `steps` wait for the next batch to be staged, up to a minute; tells
 * of each whether it was.
 */
function openStaging(steps: number, ended: (byStaging: boolean) => void): OpenSession {
  let left = steps;
  return async (program) => {
    const session = await openReference(program);
    let staged: Parameters<SessionLike['run']>[1] = {};
    let arrive: (() => void) | undefined;
    return {
      ...session,
      stage: (_, inputs) => {
        staged = structuredClone(inputs);
        arrive?.();
        return true;
      },
      run: async (entry, inputs, options) => {
        const all = 'images' in inputs ? inputs : { ...staged, ...inputs };
        if (entry !== 'train') return session.run(entry, all, options);
        const arrived = new Promise<true>((resolve) => (arrive = () => resolve(true)));
        const outputs = await session.run(entry, all, options);
        left -= 1;
        const longest = new AbortController();
        const late = setTimeout(left > 0 ? 60_000 : 100, false, { signal: longest.signal }).catch(
          () => false,
        );
        ended(await Promise.race([arrived, late]));
        longest.abort();
        return outputs;
      },
    };
  };
}

test('the images of a step are sent while the step before it is computed', async (t) => {
  const options: SearchOptions = { steps: 9, score: 'paper' };
  const ends: boolean[] = [];
  const staged = await train({ ...options, open: openStaging(9, (byStaging) => ends.push(byStaging)) });
  t.deepEqual(ends, [...Array.from({ length: 8 }, () => true), false]);
  const whole = await train({ ...options, open: openReference });
  t.deepEqual(timeless(staged.checkpoint), timeless(whole.checkpoint));
});

for (const [entry, last] of [
  ['probe', 5],
  ['eval', 2],
] as const) {
  test(`a run stopped while it selects, in a run of ${entry}, selects again when it goes on`, async (t) => {
    const stop = new AbortController();
    let runs = 0;
    const open = openCounting(entry, (count) => {
      runs = count;
      if (count === last) stop.abort();
    });
    const options: SearchOptions = { epochs: 1, warmup: 1 / 3, window: 2 / 3 };
    const first = await train({ ...options, open, stop: stop.signal });
    t.false(first.complete);
    t.is(runs, last);
    t.is(first.checkpoint.position.step, 4);
    t.is(first.checkpoint.position.policy.taken, null);
    const [second, whole] = [await train(options, first.checkpoint), await train(options)];
    t.deepEqual(timeless(second.checkpoint), timeless(whole.checkpoint));
  });
}

test('a run stopped while it measures an epoch measures it when it goes on', async (t) => {
  const stop = new AbortController();
  const batches = Math.ceil(tinyDataset.test.length / 8);
  let evaluated = 0;
  const open = openCounting('eval', (count) => {
    evaluated = count;
    if (count === 2) stop.abort();
  });
  const options: SearchOptions = { target: null, epochs: 1 };
  const first = await train({ ...options, open, stop: stop.signal });
  t.true(batches > 2);
  t.is(evaluated, 2, 'the rest of the test split is left out');
  t.is(first.checkpoint.position.step, 12);
  t.false(first.complete);
  t.deepEqual(ofKind(first, 'epoch'), []);
  const [second, whole] = [await train(options, first.checkpoint), await train(options)];
  t.true(second.complete);
  t.deepEqual(timeless(second.checkpoint), timeless(whole.checkpoint));
  const measured = (run: Run) => ofKind(run, 'epoch').map((event) => ({ ...event, seconds: 0 }));
  t.deepEqual(measured(second), measured(whole));
});

test('a raised signal rejects with its reason', async (t) => {
  const abort = new AbortController();
  const reason = new Error('enough');
  const error = await t.throwsAsync(
    train({ signal: abort.signal }, undefined, tinyNetwork(), (event) => {
      if (event.kind === 'step' && event.step === 3) abort.abort(reason);
    }),
  );
  t.is(error, reason);
});

test('a loss that is no number stops the run and names step and last finite loss', async (t) => {
  const error = await t.throwsAsync(train({ learningRate: 1e30, target: null }), {
    instanceOf: HalfspaceError,
  });
  t.is(error.code, 'ERR_DIVERGED');
  t.regex(
    error.message,
    /^training diverged in step \d+ of 36: the loss is (NaN|Infinity), the last finite one was [\d.e+]+$/,
  );
});

test('a run without target trains the network as it is', async (t) => {
  const run = await train({ target: null });
  t.is(run.checkpoint.position.policy.taken, null);
  t.deepEqual(new Set(ofKind(run, 'step').map(({ phase }) => phase)), new Set(['plain']));
});

for (const target of [
  { kind: 'fraction', fraction: 0.5 },
  { kind: 'params', limit: 600 },
  { kind: 'macs', limit: 30_000 },
] as const) {
  test(`a target of ${target.kind} is met by the network that is trained on`, async (t) => {
    const run = await train({ target, steps: 9 });
    const [erasure] = ofKind(run, 'erasure');
    if (target.kind === 'fraction') t.is(chosen(run).length, 2);
    else t.true((erasure?.[target.kind] ?? Infinity) <= target.limit, JSON.stringify(erasure));
  });
}

test('mixed images train on soft targets and are measured on true labels', async (t) => {
  const run = await train({ epochs: 8, mix: mixup(0.2, 3) });
  t.true((ofKind(run, 'epoch').at(-1)?.testAccuracy ?? 0) > 0.8);
  t.is(chosen(run).length, 2);
});

test('a run goes on bit for bit with augmentations, too', async (t) => {
  const options: SearchOptions = { augment: [horizontalFlip()], mix: cutmix(1, 3) };
  const stop = new AbortController();
  const first = await train({ ...options, stop: stop.signal }, undefined, tinyNetwork(), ({ step }) => {
    if (step === 17) stop.abort();
  });
  const second = await train(options, first.checkpoint);
  t.deepEqual(timeless(second.checkpoint), timeless((await train(options)).checkpoint));
});

/** The tiny data set with an image in one split that fails, and how. */
function withCorruptImage(split: 'train' | 'test') {
  const corrupt = new HalfspaceError('ERR_DATA', 'corrupt');
  const image: Split['image'] = (index) =>
    index === 5 ? Promise.reject(corrupt) : tinyDataset[split].image(index);
  const dataset: Dataset = { ...tinyDataset, [split]: { ...tinyDataset[split], image } };
  return { dataset, corrupt };
}

test('an image that cannot be decoded fails the run, or is left out and told of', async (t) => {
  const { dataset, corrupt } = withCorruptImage('train');
  t.is(await t.throwsAsync(train({ epochs: 1 }, undefined, tinyNetwork(), undefined, dataset)), corrupt);
  const told: unknown[] = [];
  const skipCorrupt = (error: HalfspaceError): void => void told.push(error);
  const run = await train({ epochs: 2, skipCorrupt }, undefined, tinyNetwork(), undefined, dataset);
  t.true(run.complete);
  t.true(told.length >= 2 && told.every((error) => error === corrupt));
});

test('so is a test image', async (t) => {
  const { dataset, corrupt } = withCorruptImage('test');
  t.is(await t.throwsAsync(train({ epochs: 1 }, undefined, tinyNetwork(), undefined, dataset)), corrupt);
  const told: unknown[] = [];
  const skipCorrupt = (error: HalfspaceError): void => void told.push(error);
  const network = tinyNetwork();
  t.true((await train({ epochs: 1, skipCorrupt }, undefined, network, undefined, dataset)).complete);
  const options = { batch: 4, open: openReference };
  const weights = initialWeights(network, 0);
  t.is(await t.throwsAsync(evaluate(network, weights, dataset, options)), corrupt);
  const { images } = await evaluate(network, weights, dataset, { ...options, skipCorrupt });
  t.is(images, dataset.test.length - 1);
  t.true(told.length >= 2 && told.every((error) => error === corrupt));
});

test('a network that does not fit the images is refused', async (t) => {
  const other = { ...tinyDataset, shape: [3, 8, 8] as const };
  const error = await t.throwsAsync(Trainer.open(tinyNetwork(), other, resolveOptions(other, short)), {
    instanceOf: HalfspaceError,
  });
  t.is(error.code, 'ERR_SHAPE');
  t.is(error.message, "the network takes images [1,8,8], 'bars' has [3,8,8]");
  const larger = { ...tinyDataset, shape: [1, 9, 9] as const };
  t.throws(() => checkFits(tinyNetwork(), larger), {
    message:
      "the network takes images [1,8,8], 'bars' has [1,9,9]: " +
      'export the network with open height and width, or read images from folders with --size 8',
  });
  const classes = tinyDataset.classes.length;
  t.throws(() => checkFits(tinyNetwork(), { ...tinyDataset, classes: ['a', 'b', 'c', 'd', 'e', 'f'] }), {
    message:
      `the network tells ${classes} classes apart, 'bars' has 6: ` +
      `give the network an output of 6 before it is exported, or data of ${classes} classes`,
  });
});

const maps = (x: Value, network: Network): Value => network.conv(x, 4, { kernel: 1 });
const scores = (x: Value, network: Network): Value => network.linear(network.flatten(x), 4);

test('measuring and training refuse alike what is not images in, logits out', async (t) => {
  for (const [inputs, output, signature] of [
    [['x'], maps, '(f32[1,1,8,8]) -> (f32[1,4,8,8])'],
    [['x', 'y'], scores, '(f32[1,1,8,8], f32[1,1,8,8]) -> (f32[1,4])'],
  ] as const) {
    const network = new Network();
    const values = inputs.map((name) => network.input(name, [1, 1, 8, 8]));
    const graph = network.graph([output(values[0] as Value, network)]);
    const expected = {
      code: 'ERR_GRAPH',
      message: `expected a network of one input, images, and logits [N, K] as its first output; got ${signature}`,
    };
    await t.throwsAsync(Trainer.open(graph, tinyDataset, resolveOptions(tinyDataset, short)), expected);
    await t.throwsAsync(evaluate(graph, initialWeights(graph, 0), tinyDataset), expected);
  }
});

const openFailing: OpenSession = async (program) => ({
  ...(await openReference(program)),
  run: () => Promise.reject(new HalfspaceError('ERR_DEVICE', 'lost')),
});

test('a failing session fails the run', async (t) => {
  const error = await t.throwsAsync(train({ open: openFailing }), { instanceOf: HalfspaceError });
  t.is(error.code, 'ERR_DEVICE');
});

test('a session that cannot be written to is not left open', async (t) => {
  let open = 0;
  const openUnwritable: OpenSession = async (program) => {
    open += 1;
    return {
      ...(await openReference(program)),
      write: () => {
        throw new HalfspaceError('ERR_DEVICE', 'lost');
      },
      dispose: () => (open -= 1),
    };
  };
  const lost = { code: 'ERR_DEVICE', message: 'lost' };
  await t.throwsAsync(train({ open: openUnwritable }), lost);
  const graph = tinyNetwork();
  const weights = initialWeights(graph, 0);
  await t.throwsAsync(InferenceNetwork.open(graph, weights, { open: openUnwritable }), lost);
  t.is(open, 0);
});

test('options are checked by name and value', (t) => {
  const refused = (options: object): string =>
    t.throws(() => resolveOptions(tinyDataset, options as SearchOptions), { instanceOf: HalfspaceError })
      .message;
  t.is(refused({ epoch: 3 }), "unknown option 'epoch' (did you mean 'epochs'?)");
  t.is(refused({ epochs: 0 }), 'epochs: expected a positive whole number, got 0');
  t.is(refused({ batch: 2.5 }), 'batch: expected a positive whole number, got 2.5');
  t.is(refused({ batch: 100 }), "batch: expected at most 96, the training images of 'bars', got 100");
  t.is(refused({ smoothing: 1 }), 'smoothing: expected a number from 0 to below 1, got 1');
  t.is(refused({ seed: 0.5 }), 'seed: expected a whole number, got 0.5');
  t.is(refused({ score: 'taylor' }), "unknown score 'taylor' (did you mean 'taylor1'?)");
  t.is(refused({ score: 'ablatoin' }), "unknown score 'ablatoin' (did you mean 'ablation'?)");
  t.regex(refused({ score: 'constructor' }), /^unknown score 'constructor' \(known: ablation, /);
  t.regex(refused({ optimizer: 'constructor' }), /^unknown optimizer 'constructor'/);
  t.regex(refused({ schedule: 'constructor' }), /^unknown schedule 'constructor'/);
  t.is(refused({ threads: 0 }), 'threads: expected a whole number from 1 to 1024, got 0');
  t.is(refused({ gates: 'yes' }), 'gates: expected true or false, got yes');
  t.is(refused({ window: 2 }), 'window: expected a number from 0 to 1, got 2');
});

test('targets, optimizers, schedules and ablation are checked to their settings', (t) => {
  const refused = (options: object): string => {
    const error = t.throws(() => resolveOptions(tinyDataset, options as SearchOptions), {
      instanceOf: HalfspaceError,
    });
    t.is(error.code, 'ERR_OPTION');
    return error.message;
  };
  const target = (settings: unknown): string => refused({ target: settings });
  t.is(target({ kind: 'cuont', count: 1 }), "unknown target kind 'cuont' (did you mean 'count'?)");
  t.is(target({ kind: 'count', count: -1 }), 'target.count: expected a whole number, 0 or more, got -1');
  t.is(target({ kind: 'count' }), 'target.count: expected a whole number, 0 or more, got undefined');
  t.is(
    target({ kind: 'fraction', fraction: 1.5 }),
    'target.fraction: expected a number from 0 to 1, got 1.5',
  );
  t.is(target({ kind: 'params', limit: 0 }), 'target.limit: expected a positive number, got 0');
  t.is(target({ kind: 'macs', limit: NaN }), 'target.limit: expected a positive number, got NaN');
  t.is(target({ kind: 'macs', limits: 1 }), "unknown setting of target 'limits' (did you mean 'limit'?)");
  t.is(target(3), 'target: expected an object, got 3');
  t.is(
    refused({ optimizer: { ...optimizer('sgd'), momentum: 1 } }),
    'optimizer.momentum: expected a number from 0 to below 1, got 1',
  );
  t.is(
    refused({ optimizer: optimizer('adam', { weightDecay: -1 }) }),
    'optimizer.weightDecay: expected a number, 0 or more, got -1',
  );
  t.is(
    refused({ schedule: { ...schedule('step', 0.1), milestones: [0.5, 2] } }),
    'schedule.milestones[1]: expected a number from 0 to 1, got 2',
  );
  t.is(refused({ schedule: 'cosin' }), "unknown schedule 'cosin' (did you mean 'cosine'?)");
  t.is(refused({ ablation: { losses: 0 } }), 'ablation.losses: expected a positive whole number, got 0');
});

test('settings of ablation that are not given have their defaults', (t) => {
  const { ablation } = resolveOptions(tinyDataset, { ablation: { losses: 7 } });
  t.deepEqual(ablation, { batches: 4, losses: 7 });
});

test('every optimizer, schedule and target that the library offers is accepted', (t) => {
  for (const name of optimizerNames)
    t.notThrows(() => resolveOptions(tinyDataset, { optimizer: optimizer(name) }));
  for (const name of scheduleNames)
    t.notThrows(() => resolveOptions(tinyDataset, { schedule: schedule(name, 0.1) }));
  for (const target of [null, { kind: 'count', count: 0 }, { kind: 'fraction', fraction: 1 }] as const) {
    t.notThrows(() => resolveOptions(tinyDataset, { target }));
  }
});
