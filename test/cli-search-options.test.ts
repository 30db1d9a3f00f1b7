// From flags to options: augmentations by the names that the field gives them.

import test from 'ava';
import { augmentationNames, mixNames } from '../lib/cli/names.js';
import { searchOptions, type SearchFlags } from '../lib/cli/search-options.js';
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
