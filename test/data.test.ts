// Batches: what they hold, in which order, how they go on, and that they leave the event loop free.

import test from 'ava';

import { type Augmentation, horizontalFlip, randomResizedCrop } from '../lib/data/augment.js';
import { batchCount, batches, type Batch, type BatchOptions } from '../lib/data/batches.js';
import type { Dataset, Split } from '../lib/data/dataset.js';
import { memorySplit } from '../lib/data/memory.js';
import { mixup } from '../lib/data/mix.js';
import { openDataset } from '../lib/data/open.js';

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

test('the bundled sample has 1,000 train and 100 test images of each class', (t) => {
  t.deepEqual([sample.train.length, sample.test.length], [10_000, 1000]);
  for (let label = 0; label < sample.classes.length; label += 1) {
    t.is(sample.train.labels.filter((found) => found === label).length, 1000);
    t.is(sample.test.labels.filter((found) => found === label).length, 100);
  }
});

test('without shuffling, batches are the normalised images in order and the last one is filled up', async (t) => {
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

test('recycled memory holds the same batches, for as long as is promised', async (t) => {
  const pass = { ...options, dropLast: false, augment: sample.augment.train, normalize: sample };
  const expected = await collect(batches(sample.test, pass));
  const held: Batch[] = [];
  for await (const batch of batches(sample.test, { ...pass, recycle: true })) {
    held.push(batch);
    for (const index of [held.length - 2, held.length - 1]) {
      if (index >= 0) t.deepEqual(held[index], expected[index]);
    }
  }
  t.is(held.length, expected.length);
  t.is(new Set(held.map(({ images }) => images)).size, 3);
});

test('an unknown data set is refused with the nearest name', async (t) => {
  await t.throwsAsync(openDataset('fashion-mnits'), { code: 'ERR_OPTION', message: /fashion-mnist/ });
});

/** A split of gray images, each of its index's level. */
function levels(length: number, shape: readonly [number, number, number], later = false): Split {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const made = memorySplit({
    bytes: Uint8Array.from({ length: length * size }, (_, i) => Math.floor(i / size)),
    labels: Int32Array.from({ length }, (_, index) => index % 10),
    shape,
  });
  if (!later) return made;
  return { ...made, image: async (index, choose) => made.image(index, choose) };
}

const plain = { mean: [0], deviation: [1 / 255] };

test('each image is augmented by a stream of its own, whatever batch it falls into', async (t) => {
  const noisy: Augmentation = {
    name: 'noisy',
    apply: (image, stream) => ({ ...image, pixels: image.pixels.map(() => stream.below(256)) }),
  };
  const split = levels(12, [1, 2, 2]);
  const drawn = async (batch: number, shuffle: boolean) => {
    const found = new Map<number, string>();
    const order = { ...options, batch, shuffle, augment: [noisy], normalize: plain };
    for (const { images, labels } of await collect(batches(split, order))) {
      labels.forEach((label, row) => found.set(label, images.subarray(row * 4, row * 4 + 4).join()));
    }
    return found;
  };
  const reference = await drawn(1, false);
  for (const found of [await drawn(4, false), await drawn(3, true)]) {
    for (const label of [2, 3, 4, 5, 6, 7, 8, 9]) t.is(found.get(label), reference.get(label));
  }
});

test('an epoch sees every image once, in another order each time', async (t) => {
  const split = levels(30, [1, 1, 1]);
  const seen = async (epoch: number): Promise<number[]> => {
    const pass = { ...options, batch: 7, epoch, dropLast: false, augment: [], normalize: plain };
    const found = await collect(batches(split, pass));
    return found.flatMap(({ images, count }) => [...images.subarray(0, count)].map(Math.round));
  };
  const [first, second] = [await seen(0), await seen(1)];
  const all = Array.from({ length: 30 }, (_, index) => index);
  t.deepEqual(
    first.toSorted((a, b) => a - b),
    all,
  );
  t.deepEqual(
    second.toSorted((a, b) => a - b),
    all,
  );
  t.notDeepEqual(first, second);
});

test('a framing decides the size of a batch, wherever it stands', async (t) => {
  const split = levels(4, [1, 8, 8]);
  for (const augment of [
    [randomResizedCrop(5), horizontalFlip()],
    [horizontalFlip(), randomResizedCrop(5)],
  ]) {
    const [batch] = await collect(batches(split, { ...options, batch: 4, augment, normalize: plain }));
    t.is(batch?.images.length, 4 * 25);
    t.deepEqual(
      [...(batch as Batch).images].map((value) => Math.round(value) % 10),
      [...(batch as Batch).labels].flatMap((label) => Array.from({ length: 25 }, () => label)),
    );
  }
});

test('mixing is drawn once a batch, and again the same', async (t) => {
  const pass = { ...options, batch: 5, augment: [], normalize: plain, mix: mixup(1, 10) };
  const split = levels(20, [1, 2, 2]);
  const found = await collect(batches(split, pass));
  t.deepEqual(await collect(batches(split, pass)), found);
  t.is(new Set(found.map(({ targets, labels }) => targets?.[labels[0] as number])).size, 4);
});

test('options that do not fit the images are refused', async (t) => {
  const split = levels(4, [1, 4, 4]);
  const good = { ...options, batch: 2, augment: [], normalize: plain };
  const refused = (changes: Partial<BatchOptions>, code: string, message: RegExp) =>
    t.throwsAsync(collect(batches(split, { ...good, ...changes })), { code, message });
  await refused({ batch: 0 }, 'ERR_OPTION', /batch must be a whole number from 1, found 0/);
  await refused(
    { normalize: sample, augment: [wider] },
    'ERR_SHAPE',
    /expected an image of 1x4x4.*found 1x4x8/,
  );
  await refused(
    { normalize: { mean: [0, 0, 0], deviation: [1, 1, 1] } },
    'ERR_OPTION',
    /expected 1 means.*found 3/,
  );
});

const wider: Augmentation = {
  name: 'wider',
  apply: (image) => ({ ...image, width: 8, pixels: new Uint8Array(32) }),
};

/** How often the event loop goes round while `work` is going on. */
async function rounds(work: Promise<unknown>): Promise<number> {
  let count = 0;
  let going = true;
  const around = (): void => {
    count += 1;
    if (going) setImmediate(around);
  };
  setImmediate(around);
  await work;
  going = false;
  return count;
}

// 64 images of 1 ms each; slices last 2 ms, so there are about 32. On a busy machine a slice may
// take more, but never more than one image beyond its end.
for (const later of [false, true]) {
  test(`the event loop goes on while a batch is made of images ${later ? 'in files' : 'in memory'}`, async (t) => {
    const slow: Augmentation = {
      name: 'slow',
      apply: (image) => {
        const end = performance.now() + 1;
        while (performance.now() < end);
        return image;
      },
    };
    const split = levels(64, [1, 2, 2], later);
    const pass = { ...options, augment: [slow], normalize: plain };
    const count = await rounds(collect(batches(split, pass)));
    t.true(count >= 20, `${count} rounds`);
  });
}

test('a pass that nobody finishes leaves no failure behind', async (t) => {
  const split = levels(8, [1, 2, 2]);
  const failing: Split = {
    ...split,
    image: (index) => (index < 4 ? split.image(index) : Promise.reject(new Error('gone'))),
  };
  const pass = { ...options, batch: 4, shuffle: false, augment: [], normalize: plain };
  const [first] = await collect(batches(failing, pass), 1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.is(first?.count, 4);
});
