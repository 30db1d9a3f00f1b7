// What a user may bring along: a loss, a score, a schedule, a data set. Through the public surface alone,
// and held against what the library's own parts or plain loops say.

import test from 'ava';

import {
  collectDataset,
  HalfspaceError,
  InferenceNetwork,
  Network,
  ops,
  search,
  type Dataset,
  type EpochProgress,
  type LearningRate,
  type Loss,
  type Progress,
  type Sample,
  type Score,
  type SearchOptions,
  type SearchResult,
} from '../lib/index.js';
import { gathered, openReference, tinyDataset, tinyNetwork } from './training-fixtures.js';

const short: SearchOptions = {
  target: { kind: 'count', count: 2 },
  epochs: 2,
  batch: 16,
  learningRate: 0.05,
  threads: 1,
};

interface Outcome {
  readonly result: SearchResult;
  readonly events: readonly Progress[];
}

async function run(options: SearchOptions, dataset: Dataset = tinyDataset): Promise<Outcome> {
  const events: Progress[] = [];
  const onProgress = (event: Progress): void => void events.push(event);
  const result = await search(tinyNetwork(), dataset, { ...short, ...options, onProgress });
  return { result, events };
}

const losses = ({ events }: Outcome): readonly number[] =>
  events.flatMap((event) => {
    if (event.kind === 'step') return [event.loss];
    return event.kind === 'epoch' ? [event.trainLoss, event.testLoss] : [];
  });

const epochs = ({ events }: Outcome): readonly EpochProgress[] =>
  events.filter((event): event is EpochProgress => event.kind === 'epoch');

function near(actual: readonly number[], expected: readonly number[], tolerance: number): boolean {
  return (
    actual.length === expected.length &&
    actual.every((value, index) => Math.abs(value - (expected[index] as number)) <= tolerance)
  );
}

/** -sum t log p, of operators. */
const crossEntropy: Loss = (network, logits, targets) => {
  const logs = network.apply(ops.log(), [network.apply(ops.softmax(1), [logits])]);
  const sum = network.apply(ops.reduceSum({ axes: [1], keep: false }), [network.multiply(targets, logs)]);
  return network.apply(ops.affine(-1, 0), [sum]);
};

for (const [engine, options, tolerance] of [
  // Interpreted in float64, stored as float32: rounding of 24 steps.
  ['in float64', { open: openReference }, 2e-5],
  // float32 throughout.
  ['on the native engine', {}, 2e-3],
] as const) {
  test(`cross-entropy written as a loss of one's own trains as the built-in one, ${engine}`, async (t) => {
    const own = await run({ ...options, loss: crossEntropy });
    const built = await run(options);
    t.true(near(losses(own), losses(built), tolerance), `${losses(own).join()} ${losses(built).join()}`);
    t.deepEqual(own.result.summary?.erased, built.result.summary?.erased);
    t.deepEqual(
      epochs(own).map(({ testAccuracy }) => testAccuracy),
      epochs(built).map(({ testAccuracy }) => testAccuracy),
    );
  });
}

/** -(1 - p)^2 log p of the true class (Lin et al. 2017). */
const focal: Loss = (network, logits, targets) => {
  const probabilities = network.apply(ops.softmax(1), [logits]);
  const rest = network.apply(ops.power(2), [network.apply(ops.affine(-1, 1), [probabilities])]);
  const terms = network.multiply(network.multiply(targets, rest), network.apply(ops.log(), [probabilities]));
  const sum = network.apply(ops.reduceSum({ axes: [1], keep: false }), [terms]);
  return network.apply(ops.affine(-1, 0), [sum]);
};

/** The same by plain loops over what a network answers to all test images. */
async function focalOf({ result }: Outcome): Promise<number> {
  const { graph, weights } = result.subnet ?? result.supernet;
  using network = await InferenceNetwork.open(graph, weights, { threads: 1 });
  let total = 0;
  for (const [index, label] of tinyDataset.test.labels.entries()) {
    const { pixels } = await tinyDataset.test.image(index);
    const image = Float32Array.from(pixels, (pixel) => (pixel / 255 - 0.35) / 0.2);
    const [logits] = await network.run({ image });
    const powers = Array.from(logits as Float32Array, Math.exp);
    const p = (powers[label] as number) / powers.reduce((sum, each) => sum + each, 0);
    total -= (1 - p) ** 2 * Math.log(p);
  }
  return total / tinyDataset.test.length;
}

test("a loss of one's own is minimised, and measured over whole and filled-up batches alike", async (t) => {
  const outcome = await run({ loss: focal, epochs: 4 });
  const [first] = epochs(outcome);
  const last = epochs(outcome).at(-1);
  t.true((last as EpochProgress).testLoss < (first as EpochProgress).testLoss);
  // 40 test images are not a multiple of 16. Float32 logits, means over 40.
  t.true(Math.abs((last as EpochProgress).testLoss - (await focalOf(outcome))) < 1e-4);
});

const refused = async (
  t: import('ava').ExecutionContext,
  options: SearchOptions,
  code: string,
  message: RegExp,
): Promise<void> => {
  const error = await t.throwsAsync(run(options), { instanceOf: HalfspaceError, message });
  t.is(error?.code, code as typeof error.code);
};

test('a loss that is not one number an image, or has parameters, is refused', async (t) => {
  await refused(t, { loss: (_, logits) => logits }, 'ERR_SHAPE', /one number for each image, f32\[16\], got/);
  const learned: Loss = (network, logits, targets) => {
    const scale = network.parameter('scale', [1], { kind: 'constant', value: 1 });
    return crossEntropy(network, network.multiply(logits, scale), targets);
  };
  await refused(t, { loss: learned }, 'ERR_GRAPH', /expected no parameters of its own, got 'scale'/);
  await refused(t, { loss: crossEntropy, smoothing: 0.1 }, 'ERR_OPTION', /smoothing: expected 0/);
});

const lastFirst: Score = (groups) => groups.map((_, index) => index);

test("a score of one's own chooses, and is refused unless it gives one number a group", async (t) => {
  const { events } = await run({ score: lastFirst });
  const selection = events.find((event) => event.kind === 'selection');
  t.deepEqual(selection?.kind === 'selection' && selection.groups, [3, 2]);
  await refused(
    t,
    { score: () => [1] },
    'ERR_OPTION',
    /score: expected a finite number for each of 4 groups/,
  );
});

const falling: LearningRate = (step, steps) => 0.05 * (1 - step / steps);

test("a schedule of one's own sets the rate of every step, and is refused where it gives none", async (t) => {
  const { events } = await run({ schedule: falling });
  const rates = events.flatMap((event) => (event.kind === 'step' ? [event.learningRate] : []));
  t.deepEqual(
    rates,
    rates.map((_, step) => falling(step, 12)),
  );
  await refused(t, { schedule: () => NaN }, 'ERR_OPTION', /a learning rate, 0 or more, for step 0, got NaN/);
});

async function* samples(count: number): AsyncGenerator<Sample> {
  for (let index = 0; index < count; index += 1) {
    const { pixels } = await tinyDataset.train.image(index);
    yield { pixels, label: tinyDataset.train.labels[index] as number };
  }
}

const source = { name: 'own', classes: tinyDataset.classes, shape: tinyDataset.shape };

test('a data set is collected from anything that can be iterated over', async (t) => {
  const { mean, deviation } = tinyDataset;
  const dataset = await collectDataset({
    ...source,
    train: samples(96),
    test: await gathered(samples(40)),
    normalize: { mean, deviation },
  });
  const own = await run({}, dataset);
  const same = await run({}, { ...tinyDataset, test: dataset.test });
  t.deepEqual(losses(own), losses(same));
});

const pixels = (...values: number[]): Sample => ({ pixels: Uint8Array.from(values), label: 0 });

test('unless told, the training images say how they are normalised', async (t) => {
  const { mean, deviation } = await collectDataset({
    name: 'two channels',
    classes: ['one'],
    shape: [2, 1, 2],
    train: [pixels(0, 255, 51, 51), pixels(255, 0, 51, 51)],
    test: [pixels(0, 0, 0, 0)],
  });
  t.true(near(mean, [0.5, 0.2], 1e-12) && near(deviation, [0.5, 1], 1e-12));
});

test('a sample that does not fit is refused by its place', async (t) => {
  const good = await gathered(samples(2));
  const collect = (train: readonly Sample[], test: readonly Sample[] = good): Promise<Dataset> =>
    collectDataset({ ...source, train, test });
  await t.throwsAsync(collect([...good, { pixels: new Uint8Array(3), label: 0 }]), {
    message: 'own: train image 2: expected 64 bytes (1x8x8), got 3 bytes',
  });
  await t.throwsAsync(collect(good, [{ pixels: new Uint8Array(64), label: 3 }]), {
    message: 'own: test image 0: expected a label from 0 to 2, got 3',
  });
  await t.throwsAsync(collect([]), { message: 'own: expected train images, got none' });
});

test('a network goes on from a graph', (t) => {
  const graph = tinyNetwork();
  const net = new Network(graph);
  const longer = net.graph([net.linear(graph.outputs[0] ?? t.fail(), 5)]);
  t.deepEqual(longer.outputs[0]?.type.shape, [1, 5]);
  t.is(longer.nodes.length, graph.nodes.length + 1);
});
