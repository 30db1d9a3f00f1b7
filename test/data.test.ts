import test from 'ava';

import { batchCount, batches, type Batch } from '../lib/data/batches.js';
import { openDataset } from '../lib/data/open.js';
import type { Dataset } from '../lib/data/dataset.js';

let sample: Dataset;

test.before(async () => {
  sample = await openDataset('sample');
});

const options = {
  batch: 64,
  seed: 1,
  epoch: 0,
  shuffle: true,
  dropLast: true,
} as const;

async function collect(iterable: AsyncIterable<Batch>, count = Infinity): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of iterable) {
    found.push(batch);
    if (found.length === count) break;
  }
  return found;
}

test('the bundled sample has 1,000 train and 100 test pictures of each class', (t) => {
  t.deepEqual([sample.train.length, sample.test.length], [10_000, 1000]);
  for (let label = 0; label < sample.classes.length; label += 1) {
    t.is(sample.train.labels.filter((found) => found === label).length, 1000);
    t.is(sample.test.labels.filter((found) => found === label).length, 100);
  }
});

test('without shuffling, batches are the normalised pictures in order and the last one is filled up', async (t) => {
  const found = await collect(
    batches(sample.test, { ...options, shuffle: false, dropLast: false, augment: [], normalize: sample }),
  );
  t.is(found.length, batchCount(1000, 64, false));
  const last = found.at(-1) as Batch;
  t.is(last.count, 1000 % 64);
  t.true(last.labels.subarray(last.count).every((label) => label === -1));
  t.true(last.images.subarray(last.count * 784).every((value) => value === 0));
  const image = await sample.test.image(64 * 3 + 5);
  const expected = Float32Array.from(image.pixels, (pixel) => (pixel / 255 - 0.286) / 0.353);
  t.deepEqual((found[3] as Batch).images.subarray(5 * 784, 6 * 784), expected);
  t.is((found[3] as Batch).labels[5], sample.test.labels[64 * 3 + 5]);
});

test('a pass is a function of seed and epoch, and goes on from any batch', async (t) => {
  const pass = { ...options, augment: sample.augment.train, normalize: sample };
  const whole = await collect(batches(sample.train, pass), 6);
  t.deepEqual(await collect(batches(sample.train, { ...pass, start: 4 }), 2), whole.slice(4));
  const other = await collect(batches(sample.train, { ...pass, epoch: 1 }), 1);
  t.notDeepEqual(other[0]?.labels, whole[0]?.labels);
});

test('an unknown data set is refused with the nearest name', async (t) => {
  await t.throwsAsync(openDataset('fashion-mnits'), { code: 'ERR_OPTION', message: /fashion-mnist/ });
});
