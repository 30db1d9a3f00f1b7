// From flags to options: augmentations by the names that the field gives them, and constants that normalise.

import test from 'ava';
import { openData } from '../lib/cli/data-options.js';
import { parseNumbers } from '../lib/cli/options.js';
import { augmentationNames, mixNames } from '../lib/cli/names.js';
import { searchOptions, type SearchFlags } from '../lib/cli/search-options.js';
import { testBatches } from '../lib/train/feed.js';
import { openDataset } from '../lib/data/open.js';
import { random } from '../lib/random.js';

const flags: SearchFlags = { rebuild: true, device: 'cpu' };

test('augmentations have the settings usual for the size of the images, in the order given', async (t) => {
  const dataset = await openDataset('sample');
  const { augment } = searchOptions({ ...flags, augment: augmentationNames }, dataset);
  t.deepEqual(
    augment?.map(({ name }) => name),
    ['randomCrop(4)', 'randomResizedCrop(28)', 'horizontalFlip', 'cutout(14)', 'colorJitter(0.4,0.4,0.4,0)'],
  );
  const [last, first] =
    searchOptions({ ...flags, augment: ['cutout', 'random-crop'] }, dataset).augment ?? [];
  t.deepEqual([last?.name, first?.name], ['cutout(14)', 'randomCrop(4)']);
  t.is(searchOptions(flags, dataset).augment, undefined);
});

test('mixes have the parameters of their papers', async (t) => {
  const dataset = await openDataset('sample');
  const names = mixNames.map((mix) => searchOptions({ ...flags, mix }, dataset).mix?.name);
  t.deepEqual(names, ['mixup(0.2)', 'cutmix(1)']);
  t.is(searchOptions({ ...flags, labelSmoothing: 0.1 }, dataset).smoothing, 0.1);
});

// One of 256 levels, rounded: half a level off at most, over the deviation.
test('what cutout paints is zero after normalisation', async (t) => {
  const dataset = await openDataset('sample');
  const [cutout] = searchOptions({ ...flags, augment: ['cutout'] }, dataset).augment ?? [];
  const white = { channels: 1, height: 28, width: 28, pixels: new Uint8Array(784).fill(255) };
  const found = cutout?.apply(white, random(1)) ?? t.fail();
  const [mean = 0] = dataset.mean;
  const [deviation = 1] = dataset.deviation;
  const painted = found.pixels.filter((pixel) => pixel !== 255);
  t.true(painted.length >= 49);
  const largest = Math.max(...painted.map((pixel) => Math.abs(pixel / 255 - mean)));
  t.true(largest / deviation <= 0.5 / 255 / deviation);
});

test('--mean and --deviation stand for the constants of the data set', async (t) => {
  const output = { quiet: true, result: () => {}, note: () => {} };
  const open = (mean?: string, deviation?: string) =>
    openData(
      {
        data: 'sample',
        ...(mean === undefined ? {} : { mean: parseNumbers(mean) }),
        ...(deviation === undefined ? {} : { deviation: parseNumbers(deviation) }),
      },
      output,
    );
  const usual = await open();
  const dataset = await open('0.5', '0.25');
  t.deepEqual([dataset.mean, dataset.deviation], [[0.5], [0.25]]);
  t.deepEqual((await open('0.5')).deviation, usual.deviation);
  const { value: batch } = await testBatches(dataset, { batch: 64, skipCorrupt: null }).next();
  const pixels: Float32Array = batch?.images ?? new Float32Array();
  t.is(
    pixels.reduce((a, b) => Math.min(a, b)),
    -2,
  );
  t.is(
    pixels.reduce((a, b) => Math.max(a, b)),
    2,
  );
  await t.throwsAsync(open('0.5,0.5'), {
    code: 'ERR_OPTION',
    message: /mean: expected one number or 1, .* found 0.5,0.5/,
  });
  await t.throwsAsync(open('0', '0'), {
    code: 'ERR_OPTION',
    message: /deviation: expected one positive number/,
  });
  t.throws(() => parseNumbers('0.5,x'), { message: /numbers, by commas/ });
});
