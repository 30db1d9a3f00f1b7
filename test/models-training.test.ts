// Every built-in network learns on the data set that it was published with: narrow versions of the networks
// and a few images of the published files, again and again, until the loss has clearly fallen.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

import { resize } from '../lib/data/augment.js';
import type { Dataset, Split } from '../lib/data/dataset.js';
import { openDataset } from '../lib/data/open.js';
import { buildModel, regnet, type ModelName, type ModelOptions } from '../lib/models/index.js';
import type { Graph } from '../lib/graph.js';
import { search } from '../lib/train/search.js';

const published = (name: string): string => join('..', 'shared', 'data', name);

const narrow =
  (name: ModelName, width: number) =>
  (options: ModelOptions): Graph =>
    buildModel(name, { ...options, width });

/** Blocks with 16, 32, 64 and 64 channels, four in all: the sixteen of RegNetX-800M take long. */
const smallRegnet = (options: ModelOptions): Graph =>
  regnet({ slope: 14, initial: 16, multiplier: 2, depth: 4, groupWidth: 8 }, { ...options, width: 16 });

interface Case {
  readonly network: string;
  readonly build: (options: ModelOptions) => Graph;
  readonly data: string;
  /** Where the published files are, or the folder of class folders. */
  readonly folder: string;
  /** Pixels that images are scaled to, where the published size takes long. */
  readonly size?: number;
}

const cases: readonly Case[] = [
  { network: 'SuperResNet', build: narrow('superresnet', 16), data: 'cifar10', folder: published('cifar10') },
  { network: 'a RegNet', build: smallRegnet, data: 'cifar10', folder: published('cifar10') },
  {
    network: 'RegNet-800M with squeeze-excitation',
    build: narrow('regnet-800m-se', 16),
    data: 'cifar10',
    folder: published('cifar10'),
  },
  { network: 'StackedUnets', build: narrow('stackedunets', 8), data: 'svhn', folder: published('svhn') },
  {
    network: 'DemoSupNet',
    build: narrow('demosupnet', 8),
    data: 'fashion-mnist',
    folder: '/usr/share/datasets/fashion-mnist',
  },
  {
    network: 'DARTS with 8 cells',
    build: narrow('darts-8', 8),
    data: 'stl10',
    folder: published('stl10'),
    size: 24,
  },
  {
    network: 'DARTS with 14 cells',
    build: narrow('darts-14', 8),
    data: 'imagenet',
    folder: published('imagenet-sample'),
    size: 64,
  },
];

/** `length` images of a split, evenly spread. */
function few(split: Split, length: number): Split {
  const picked = Array.from({ length }, (_, index) => Math.floor((index * split.length) / length));
  return {
    ...split,
    length,
    labels: Int32Array.from(picked, (index) => split.labels[index] as number),
    image: (index, choose) => split.image(picked[index] as number, choose),
  };
}

async function openFew({ data, folder, size }: Case): Promise<Dataset> {
  const dataset = await openDataset(data, { directory: folder });
  const augment = size === undefined ? [] : [resize(size)];
  const [channels, height, width] = dataset.shape;
  return {
    ...dataset,
    shape: [channels, size ?? height, size ?? width],
    train: few(dataset.train, 16),
    test: few(dataset.test, 8),
    augment: { train: augment, test: augment },
  };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

for (const each of cases) {
  const run = existsSync(each.folder) ? test : test.skip;
  run(`${each.network} learns images of ${each.data} (${each.folder})`, async (t) => {
    const dataset = await openFew(each);
    const graph = each.build({ input: dataset.shape, classes: dataset.classes.length });
    const losses: number[] = [];
    await search(graph, dataset, {
      steps: 30,
      optimizer: 'adam',
      batch: 8,
      learningRate: 0.003,
      threads: 1,
      onProgress: (event) => {
        if (event.kind === 'step') losses.push(event.loss);
      },
    });
    t.is(losses.length, 30);
    t.true(mean(losses.slice(-4)) < 0.8 * mean(losses.slice(0, 4)), `losses ${losses.join(' ')}`);
  });
}
