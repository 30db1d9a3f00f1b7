// Selection by measured losses, on losses that are made up: no device, no network.

import test from 'ava';
import { beginSelection } from '../lib/search/selection.js';
import { searchSpace } from '../lib/search/space.js';
import { selectByAblation, type AblationMeasure } from '../lib/train/ablation.js';
import type { DeviceNetwork, LabelledImages } from '../lib/train/device-network.js';
import type { TrainOptions } from '../lib/train/options.js';
import { chooseGroups, pruningFor, type Pruning } from '../lib/train/pruning.js';
import { tinyNetwork } from './training-fixtures.js';

const space = searchSpace(tinyNetwork());
const count = (k: number) => beginSelection(space, { kind: 'count', count: k });
const open = { budget: 1000, rounds: 4 };

/** Gains that are made up; by default nobody may ask for them. */
const measure = (
  loss: AblationMeasure['loss'],
  gain: AblationMeasure['gain'] = () => Promise.reject(new Error('no gain is needed')),
): AblationMeasure => ({ loss, gain });

const key = (groups: readonly number[]): string => groups.toSorted((a, b) => a - b).join(',');

test('the tiny network has four groups to choose from', (t) => {
  t.is(space.groups.length, 4);
  t.is(space.maxRemovable, 4);
});

test('the least harmful group goes first, and the next is measured without it', async (t) => {
  // Alone, 0 looks best; but together with 0 everything is bad except 3.
  const losses: Record<string, number> = {
    '0': 1,
    '1': 2,
    '2': 3,
    '3': 4,
    '0,1': 9,
    '0,2': 8,
    '0,3': 5,
  };
  const asked: string[] = [];
  const loss = (groups: readonly number[]): Promise<number> => {
    asked.push(key(groups));
    return Promise.resolve(losses[key(groups)] ?? 100);
  };
  t.deepEqual(await selectByAblation(count(2), measure(loss), open), [0, 3]);
  t.deepEqual(asked, ['0', '1', '2', '3', '0,1', '0,2', '0,3']);
});

test('a loss that is not a number counts as the worst', async (t) => {
  const losses = [NaN, 2, 1, 2];
  const loss = ([group = 0]: readonly number[]): Promise<number> => Promise.resolve(losses[group] as number);
  t.deepEqual(await selectByAblation(count(1), measure(loss), open), [2]);
});

const equal = (): Promise<number> => Promise.resolve(1);
const gains = (): Promise<readonly number[]> => Promise.resolve([0, 3, 1, 2]);

test('equal losses take the first of the shortlist, so the choice is reproducible', async (t) => {
  t.deepEqual(await selectByAblation(count(2), measure(equal), open), [0, 1]);
  t.deepEqual(await selectByAblation(count(2), measure(equal, gains), { budget: 4, rounds: 2 }), [1, 3]);
});

/** Without 3, group 0 has become the one to go. */
const changing = (groups: readonly number[]): Promise<readonly number[]> =>
  Promise.resolve(groups.length === 0 ? [0, 1, 2, 3] : [9, 1, 2, 3]);

test('a small budget measures only the groups of highest gain, given what is taken', async (t) => {
  const asked: string[] = [];
  const loss = (groups: readonly number[]): Promise<number> => {
    asked.push(key(groups));
    return Promise.resolve(groups.length);
  };
  await selectByAblation(count(2), measure(loss, changing), { budget: 4, rounds: 2 });
  t.deepEqual(asked, ['3', '2', '0,3', '2,3']);
});

test('nothing is measured where there is nothing to choose', async (t) => {
  const asked: (readonly number[])[] = [];
  const loss = (groups: readonly number[]): Promise<number> => Promise.resolve(asked.push(groups));
  t.deepEqual(await selectByAblation(count(0), measure(loss), open), []);
  t.deepEqual(asked, []);
});

/** A device with four parameters, one a group; `losses` are by the groups at zero, of each of two batches. */
function device(losses: Readonly<Record<string, readonly [number, number]>>): DeviceNetwork {
  let parameters = Float32Array.of(1, 1, 1, 1);
  return {
    groups: [0, 1, 2, 3].map((offset) => [{ offset, length: 1, stride: 1 }]),
    parameters: () => parameters.slice(),
    writeParameters: (written: Float32Array) => (parameters = written.slice()),
    probe: ({ labels: [batch = 0] }: LabelledImages) => {
      const zero = [...parameters.keys()].filter((index) => parameters[index] === 0);
      return Promise.resolve({ loss: losses[key(zero)]?.[batch] ?? 9, correct: 0 });
    },
  } as unknown as DeviceNetwork;
}

const probes = [0, 1].map((batch) => ({ images: new Float32Array(), labels: Int32Array.of(batch) }));

const choice = (
  network: DeviceNetwork,
  scores: readonly number[],
  images: readonly LabelledImages[] = probes,
): Promise<readonly number[]> =>
  chooseGroups(
    pruningFor(tinyNetwork(), {
      target: { kind: 'count', count: 1 },
      steps: 9,
      score: 'ablation',
    } as TrainOptions) as Pruning,
    { scores, taken: null },
    network,
    images,
    { score: 'ablation', ablation: { batches: 1, losses: 100 }, signal: null },
  );

test('what was chosen on some images is compared with the choice by scores on others', async (t) => {
  const network = device({ '0': [1, 5], '1': [2, 3], '2': [3, 1], '3': [4, 4] });
  t.deepEqual(await choice(network, [0, 1, 0, 0]), [1]);
  t.deepEqual(await choice(network, [0, 0, 0, 1]), [3]);
  t.deepEqual([...network.parameters()], [1, 1, 1, 1]);
  const honest = device({ '0': [1, 2], '1': [2, 3] });
  t.deepEqual(await choice(honest, [0, 1, 0, 0]), [0]);
});

test('without other images what was measured stands', async (t) => {
  const network = device({ '0': [1, 5], '1': [2, 3] });
  t.deepEqual(await choice(network, [0, 1, 0, 0], probes.slice(0, 1)), [0]);
});
