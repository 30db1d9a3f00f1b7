// The formats of published data sets: files written here by their definition, broken ones too, and
// the published files themselves where they stand beside the repository.

import { existsSync } from 'node:fs';
import { cp, mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';

import type { Dataset, Split } from '../lib/data/dataset.js';
import { readMat } from '../lib/data/mat.js';
import { openDataset } from '../lib/data/open.js';
import type { HalfspaceError } from '../lib/errors.js';

const published = (name: string): string => join('..', 'shared', 'data', name);
const fashion = '/usr/share/datasets/fashion-mnist';

/** A test of published files; skipped, with its reason, where they are not at hand. */
const withFiles = (folder: string, title: string, body: (t: ExecutionContext) => Promise<void>): void => {
  if (existsSync(folder)) test(title, body);
  else test.skip(`${title} (skipped: ${folder} is not there)`, body);
};

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-data-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/** Bytes that differ everywhere, so that a wrong order shows. */
const pattern = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed * 101) & 255));

/** Mean and deviation per channel of pixels scaled to 0..1. */
async function statistics(split: Split, count: number): Promise<{ mean: number[]; deviation: number[] }> {
  const [channels] = split.shape;
  const totals = Array.from({ length: channels }, () => ({ sum: 0, squares: 0, count: 0 }));
  for (let index = 0; index < Math.min(count, split.length); index += 1) {
    const { pixels } = await split.image(index);
    const plane = pixels.length / channels;
    for (const [channel, total] of totals.entries()) {
      for (const pixel of pixels.subarray(channel * plane, (channel + 1) * plane)) {
        total.sum += pixel;
        total.squares += pixel * pixel;
      }
      total.count += plane;
    }
  }
  const mean = totals.map(({ sum, count: n }) => sum / n);
  const deviation = totals.map(({ squares, count: n }, c) =>
    Math.sqrt(squares / n - (mean[c] as number) ** 2),
  );
  return { mean: mean.map((value) => value / 255), deviation: deviation.map((value) => value / 255) };
}

async function normalizes(
  t: ExecutionContext,
  dataset: Dataset,
  count: number,
  tolerance: number,
): Promise<void> {
  const found = await statistics(dataset.train, count);
  for (let channel = 0; channel < dataset.shape[0]; channel += 1) {
    for (const key of ['mean', 'deviation'] as const) {
      const difference = Math.abs((found[key][channel] as number) - (dataset[key][channel] as number));
      t.true(
        difference <= tolerance,
        `${key} ${channel}: ${found[key][channel]} against ${dataset[key][channel]}`,
      );
    }
  }
}

// IDX

const idx = (shape: readonly number[], data: Buffer, type = 0x08): Buffer => {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE((type << 8) | shape.length);
  shape.forEach((size, axis) => header.writeUInt32BE(size, 4 + 4 * axis));
  return Buffer.concat([header, data]);
};

async function writeFashion(folder: string, changes: Readonly<Record<string, Buffer>> = {}): Promise<void> {
  const files: Record<string, Buffer> = {
    'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 4], pattern(24, 1))),
    'train-labels-idx1-ubyte.gz': gzipSync(idx([3], Buffer.from([9, 0, 4]))),
    't10k-images-idx3-ubyte.gz': gzipSync(idx([1, 2, 4], pattern(8, 2))),
    't10k-labels-idx1-ubyte.gz': gzipSync(idx([1], Buffer.from([3]))),
    ...changes,
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}

test('IDX files are read as images and labels', async (t) => {
  const directory = await temporary(t);
  await writeFashion(directory);
  const { train, test: held, shape } = await openDataset('fashion-mnist', { directory });
  t.deepEqual(shape, [1, 2, 4]);
  t.deepEqual([...train.labels], [9, 0, 4]);
  t.deepEqual(Buffer.from((await train.image(2)).pixels), pattern(24, 1).subarray(16));
  t.deepEqual(Buffer.from((await held.image(0)).pixels), pattern(8, 2));
});

const broken: readonly (readonly [string, string, Buffer, RegExp])[] = [
  [
    'a truncated IDX file',
    'train-images-idx3-ubyte.gz',
    gzipSync(idx([3, 2, 4], pattern(20, 1))),
    /train-images.*expected 40 bytes for 3x2x4, found 36/,
  ],
  [
    'an IDX file of another type',
    'train-images-idx3-ubyte.gz',
    gzipSync(idx([3, 2, 4], pattern(24, 1), 0x0d)),
    /train-images.*magic number 2051, found 3331/,
  ],
  [
    'an IDX file without a header',
    'train-labels-idx1-ubyte.gz',
    gzipSync(Buffer.from([0, 0])),
    /train-labels.*header of 8 bytes, found 2/,
  ],
  [
    'labels of another number',
    'train-labels-idx1-ubyte.gz',
    gzipSync(idx([2], Buffer.from([1, 2]))),
    /train-labels.*expected 3 labels.*found 2/,
  ],
  [
    'a label out of range',
    'train-labels-idx1-ubyte.gz',
    gzipSync(idx([3], Buffer.from([1, 10, 2]))),
    /train-labels.*label 10 at index 1 is out of range, expected 0 to 9/,
  ],
  [
    'a truncated gzip file',
    't10k-images-idx3-ubyte.gz',
    gzipSync(idx([1, 2, 4], pattern(8, 2))).subarray(0, 30),
    /t10k-images.*corrupt or truncated gzip file of 30 bytes/,
  ],
  [
    'a file that is not gzip',
    't10k-images-idx3-ubyte.gz',
    pattern(40, 1),
    /t10k-images.*corrupt or truncated gzip/,
  ],
];

for (const [title, file, bytes, message] of broken) {
  test(`${title} is refused, with its name and what was expected`, async (t) => {
    const directory = await temporary(t);
    await writeFashion(directory, { [file]: bytes });
    await t.throwsAsync(openDataset('fashion-mnist', { directory }), { code: 'ERR_DATA', message });
  });
}

test('a missing file is named, with where to get it', async (t) => {
  const directory = await temporary(t);
  const message = /train-images-idx3-ubyte\.gz was not found \(looked in .*\).*dataset-fashion-mnist/;
  await t.throwsAsync(openDataset('fashion-mnist', { directory }), { code: 'ERR_DATA', message });
  await t.throwsAsync(openDataset('cifar10'), { code: 'ERR_DATA', message: /data_batch_1.*--data-dir/ });
  await t.throwsAsync(openDataset('svhn', { directory }), { code: 'ERR_DATA', message: /train_32x32\.mat/ });
  await t.throwsAsync(openDataset('stl10', { directory }), { code: 'ERR_DATA', message: /train_X\.bin/ });
});

// The published mean and deviation have four digits, so half a unit of the last one is their error.
withFiles(fashion, 'the published Fashion-MNIST has the mean and deviation given for it', async (t) => {
  const dataset = await openDataset('fashion-mnist', { directory: fashion });
  t.deepEqual([dataset.train.length, dataset.test.length], [60_000, 10_000]);
  await normalizes(t, dataset, 60_000, 5e-5);
});

withFiles(
  fashion,
  'the bundled sample is the first images of each class of the published files',
  async (t) => {
    const whole = (await openDataset('fashion-mnist', { directory: fashion })).train;
    const sample = (await openDataset('sample')).train;
    const seen = new Map<number, number>();
    let next = 0;
    for (let index = 0; next < sample.length; index += 1) {
      const label = whole.labels[index] as number;
      seen.set(label, (seen.get(label) ?? 0) + 1);
      if ((seen.get(label) as number) > 1000) continue;
      const same = Buffer.compare((await whole.image(index)).pixels, (await sample.image(next)).pixels) === 0;
      if (!same || sample.labels[next] !== label)
        t.fail(`image ${next} is not ${index} of the published files`);
      next += 1;
    }
    t.is(next, 10_000);
  },
);

// CIFAR-10

const cifarRecord = (label: number, seed: number): Buffer =>
  Buffer.concat([Buffer.from([label]), pattern(3072, seed)]);

async function writeCifar(folder: string): Promise<void> {
  await writeFile(join(folder, 'data_batch_1.bin'), Buffer.concat([cifarRecord(3, 1), cifarRecord(9, 2)]));
  await writeFile(join(folder, 'data_batch_2.bin'), cifarRecord(0, 3));
  await writeFile(join(folder, 'test_batch.bin'), cifarRecord(1, 4));
}

test('CIFAR-10 records of all batch files are read, however many there are', async (t) => {
  const directory = await temporary(t);
  await mkdir(join(directory, 'cifar-10-batches-bin'));
  await writeCifar(join(directory, 'cifar-10-batches-bin'));
  const { train, test: held } = await openDataset('cifar10', { directory });
  t.deepEqual([...train.labels], [3, 9, 0]);
  for (const index of [0, 1, 2]) {
    t.deepEqual(Buffer.from((await train.image(index)).pixels), pattern(3072, index + 1));
  }
  t.deepEqual([...held.labels], [1]);
});

test('a truncated CIFAR-10 file and a label out of range are refused', async (t) => {
  const directory = await temporary(t);
  await writeCifar(directory);
  await writeFile(join(directory, 'data_batch_2.bin'), cifarRecord(0, 3).subarray(0, 3000));
  await t.throwsAsync(openDataset('cifar10', { directory }), {
    code: 'ERR_DATA',
    message: /data_batch_2\.bin: expected whole records of 3073 bytes, the file has 3000 bytes/,
  });
  await writeFile(join(directory, 'data_batch_2.bin'), cifarRecord(77, 3));
  await t.throwsAsync(openDataset('cifar10', { directory }), {
    code: 'ERR_DATA',
    message: /data_batch_2\.bin: label 77 at index 0 is out of range, expected 0 to 9/,
  });
});

// A subset of 15,000 JPEG-compressed images: far closer than any other data set's constants.
withFiles(published('cifar10'), 'published CIFAR-10 images have about the mean given for them', async (t) => {
  const dataset = await openDataset('cifar10', { directory: published('cifar10') });
  t.deepEqual([dataset.train.length, dataset.test.length], [15_000, 5000]);
  await normalizes(t, dataset, 3000, 0.02);
});

withFiles(published('cifar10/exact'), 'CIFAR-10 labels agree with the published list', async (t) => {
  const directory = await temporary(t);
  const exact = published('cifar10/exact');
  await cp(join(exact, 'data_batch_exact.bin'), join(directory, 'data_batch_1.bin'));
  await cp(join(exact, 'test_batch_exact.bin'), join(directory, 'test_batch.bin'));
  const { train } = await openDataset('cifar10', { directory });
  const lines = (await readFile(join(exact, 'indices.csv'), 'utf8')).trim().split('\n');
  const listed = lines
    .filter((line) => line.startsWith('data_batch'))
    .map((line) => Number(line.split(',')[3]));
  t.deepEqual([...train.labels], listed);
});

// STL-10

/** Stored column by column: byte x * 96 + y of a plane is the pixel in row y and column x. */
const transposed = (planes: Buffer, size: number): Buffer =>
  Buffer.from(
    planes.map((_, i) => {
      const plane = Math.floor(i / (size * size));
      const [column, row] = [Math.floor((i % (size * size)) / size), i % size];
      return planes[plane * size * size + row * size + column] as number;
    }),
  );

test('STL-10 planes are turned from columns to rows and labels start at zero', async (t) => {
  const directory = await temporary(t);
  const images = [pattern(3 * 96 * 96, 1), pattern(3 * 96 * 96, 2)] as const;
  await writeFile(
    join(directory, 'train_X.bin'),
    Buffer.concat(images.map((image) => transposed(image, 96))),
  );
  await writeFile(join(directory, 'train_y.bin'), Buffer.from([1, 10]));
  await writeFile(join(directory, 'test_X.bin'), transposed(images[0], 96));
  await writeFile(join(directory, 'test_y.bin'), Buffer.from([5]));
  const { train } = await openDataset('stl10', { directory });
  t.deepEqual([...train.labels], [0, 9]);
  t.deepEqual(Buffer.from((await train.image(1)).pixels), images[1]);
  await writeFile(join(directory, 'test_y.bin'), Buffer.from([0]));
  await t.throwsAsync(openDataset('stl10', { directory }), {
    code: 'ERR_DATA',
    message: /label 0.*expected 1 to 10/,
  });
  await writeFile(join(directory, 'test_y.bin'), Buffer.from([1, 2]));
  await t.throwsAsync(openDataset('stl10', { directory }), {
    code: 'ERR_DATA',
    message: /expected 1 labels/,
  });
});

withFiles(published('stl10'), 'published STL-10 images have about the mean given for them', async (t) => {
  const dataset = await openDataset('stl10', { directory: published('stl10') });
  t.deepEqual([dataset.train.length, dataset.test.length], [600, 300]);
  await normalizes(t, dataset, 600, 0.02);
});

// SVHN

const element = (type: number, data: Buffer): Buffer => {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
};

/** Up to four bytes of data inside the tag. */
const smallElement = (type: number, data: Buffer): Buffer => {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type | (data.length << 16));
  data.copy(tag, 4);
  return tag;
};

const int32 = (values: readonly number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);

const matArray = (name: string, sizes: readonly number[], data: Buffer): Buffer =>
  element(
    14,
    Buffer.concat([
      element(6, int32([9, 0])),
      element(5, int32(sizes)),
      smallElement(1, Buffer.from(name)),
      data.length <= 4 ? smallElement(2, data) : element(2, data),
    ]),
  );

const compressed = (array: Buffer): Buffer => {
  const packed = deflateSync(array);
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(15);
  tag.writeUInt32LE(packed.length, 4);
  return Buffer.concat([tag, packed]);
};

const matFile = (...arrays: readonly Buffer[]): Buffer => {
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file');
  header.writeUInt16LE(0x0100, 124);
  header.write('IM', 126);
  return Buffer.concat([header, ...arrays]);
};

/** X[row, column, channel, image], the first index fastest. */
const svhnImages = (images: readonly Buffer[]): Buffer =>
  matArray('X', [32, 32, 3, images.length], Buffer.concat(images.map((image) => transposed(image, 32))));

const digits = (values: readonly number[]): Buffer => matArray('y', [values.length, 1], Buffer.from(values));

test('SVHN arrays are read compressed and not, and label 10 is the digit zero', async (t) => {
  const directory = await temporary(t);
  const images = [pattern(3072, 1), pattern(3072, 2)] as const;
  const train = matFile(compressed(svhnImages(images)), compressed(digits([10, 9])));
  await writeFile(join(directory, 'train_32x32.mat'), train);
  await writeFile(join(directory, 'test_32x32.mat'), matFile(svhnImages([images[1]]), digits([1])));
  const dataset = await openDataset('svhn', { directory });
  t.deepEqual([...dataset.train.labels, ...dataset.test.labels], [0, 9, 1]);
  t.deepEqual(Buffer.from((await dataset.train.image(0)).pixels), images[0]);
  t.deepEqual(Buffer.from((await dataset.train.image(1)).pixels), images[1]);
  t.deepEqual(Buffer.from((await dataset.test.image(0)).pixels), images[1]);
});

const brokenMat: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a file of another format', Buffer.alloc(200), /expected the header of a little-endian MATLAB 5\.0 file/],
  [
    'a file that ends in a tag',
    Buffer.concat([matFile(digits([1])), Buffer.alloc(3)]),
    /expected an element at byte \d+, found the end/,
  ],
  [
    'a file that ends in its data',
    matFile(digits([1, 2, 3, 4, 5, 6, 7])).subarray(0, 160),
    /expected \d+ bytes after byte 136, found 24/,
  ],
  [
    'an array of other numbers',
    matFile(
      element(
        14,
        Buffer.concat([
          element(6, int32([9, 0])),
          element(5, int32([1, 1])),
          smallElement(1, Buffer.from('y')),
          element(7, int32([1])),
        ]),
      ),
    ),
    /expected unsigned bytes, found element type 7/,
  ],
  [
    'an array of another size',
    matFile(matArray('y', [3, 1], Buffer.from([1, 2]))),
    /array 'y' is 3x1 but holds 2 elements/,
  ],
  [
    'an array of a hundred axes',
    matFile(
      matArray(
        'y',
        Array.from({ length: 100 }, () => 1),
        Buffer.from([1]),
      ),
    ),
    /expected an array of at most 8 axes, found 100/,
  ],
  [
    'something else than an array',
    matFile(element(2, Buffer.from([1]))),
    /expected an array, found element type 2/,
  ],
  ['a corrupt stream', matFile(compressed(digits([1])).fill(0, 20, 24)), /corrupt or truncated zlib stream/],
];

for (const [title, bytes, message] of brokenMat) {
  test(`a MATLAB file with ${title} is refused`, async (t) => {
    const path = join(await temporary(t), 'x.mat');
    await writeFile(path, bytes);
    await t.throwsAsync(readMat(path), { code: 'ERR_DATA', message });
  });
}

test('no broken byte of a MATLAB file does worse than an ERR_DATA', async (t) => {
  const path = join(await temporary(t), 'x.mat');
  const whole = matFile(
    matArray('X', [2, 3], Buffer.from([1, 2, 3, 4, 5, 6])),
    compressed(digits([1, 2, 3])),
  );
  const property = fc.asyncProperty(
    fc.integer({ min: 120, max: whole.length - 1 }),
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: whole.length }),
    async (position, value, length) => {
      const damaged = Buffer.from(whole);
      damaged[position] = value;
      await writeFile(path, damaged.subarray(0, Math.max(length, position + 1)));
      const outcome = await readMat(path).catch((error: unknown) => error);
      return !(outcome instanceof Error) || (outcome as HalfspaceError).code === 'ERR_DATA';
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 500 }));
});

test('an SVHN file without images, or with another number of them, is refused', async (t) => {
  const directory = await temporary(t);
  const path = join(directory, 'train_32x32.mat');
  await writeFile(path, matFile(digits([1])));
  await t.throwsAsync(openDataset('svhn', { directory }), {
    code: 'ERR_DATA',
    message: /expected an array 'X', found y/,
  });
  await writeFile(path, matFile(svhnImages([pattern(3072, 1)]), digits([1, 2])));
  await t.throwsAsync(openDataset('svhn', { directory }), {
    code: 'ERR_DATA',
    message: /expected X of 32x32x3x2, one image per label, found 32x32x3x1/,
  });
});

// These images are cut from the official test split, so its mean and deviation are the measure.
withFiles(published('svhn'), 'published SVHN images have about the mean of their split', async (t) => {
  const dataset = await openDataset('svhn', { directory: published('svhn') });
  t.deepEqual([dataset.train.length, dataset.test.length], [7504, 2496]);
  t.true([...dataset.train.labels].every((label) => label >= 0 && label <= 9));
  const official = { ...dataset, mean: [0.4524, 0.4525, 0.469], deviation: [0.2194, 0.2266, 0.2285] };
  await normalizes(t, official, 7504, 0.005);
});
