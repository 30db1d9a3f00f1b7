// Images in files: which files make up a data set, and what their decoder hands over.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';

import { centerCrop, randomResizedCrop } from '../lib/data/augment.js';
import { batches, type Batch } from '../lib/data/batches.js';
import { decode } from '../lib/data/decode.js';
import type { ChooseFrame, Image } from '../lib/data/image.js';
import { openDataset } from '../lib/data/open.js';
import type { HalfspaceError } from '../lib/errors.js';
import { random } from '../lib/random.js';
import { resample } from './reference-resample.js';

const imagenet = join('..', 'shared', 'data', 'imagenet-sample');
const python = process.env['HALFSPACE_PYTHON'] ?? '.venv/bin/python';

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-data-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const whole: ChooseFrame = (width, height) => ({
  left: 0,
  top: 0,
  width,
  height,
  outputWidth: width,
  outputHeight: height,
});

/** Interleaved pixels [H, W, C] from a function of their positions. */
function interleaved(width: number, height: number, channels: number): Buffer {
  const stream = random(width, height, channels);
  return Buffer.from(Array.from({ length: width * height * channels }, () => stream.below(256)));
}

async function writeImage(path: string, level: number, size = 20): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const flat = sharp({
    create: { width: size, height: size, channels: 3, background: { r: level, g: 0, b: 0 } },
  });
  await writeFile(path, await flat.png().toBuffer());
}

/** The first red pixel of each image of a split tells which file it was made of. */
async function levels(split: { length: number; image: (index: number) => unknown }): Promise<number[]> {
  const images = await Promise.all(Array.from({ length: split.length }, (_, index) => split.image(index)));
  return images.map((image) => (image as Image).pixels[0] as number);
}

test('hidden files are no images, whatever their ending, and are not counted either', async (t) => {
  const folder = await temporary(t);
  for (const name of ['a', 'b']) {
    await writeImage(join(folder, 'train', name, 'x.png'), 10);
    await writeImage(join(folder, 'val', name, 'x.png'), 10);
    await writeFile(join(folder, 'train', name, '._x.png'), 'no image');
    await writeFile(join(folder, 'val', name, '._x.webp'), 'no image');
  }
  const dataset = await openDataset(folder, { size: 8, note: (message) => t.fail(message) });
  t.deepEqual([...dataset.train.labels], [0, 1]);
  t.deepEqual(await levels(dataset.train), [10, 10]);
});

test('train and val folders become splits, classes and files in the order of their names', async (t) => {
  const folder = await temporary(t);
  await writeImage(join(folder, 'train', 'b', '2.png'), 22);
  await writeImage(join(folder, 'train', 'b', '1.png'), 21);
  await writeImage(join(folder, 'train', 'a', 'x.PNG'), 10);
  await writeImage(join(folder, 'val', 'b', '1.png'), 99);
  await writeFile(join(folder, 'train', 'a', 'notes.txt'), 'no image');
  const dataset = await openDataset(folder, { size: 8 });
  t.deepEqual(dataset.classes, ['a', 'b']);
  t.deepEqual(dataset.shape, [3, 8, 8]);
  t.deepEqual([...dataset.train.labels], [0, 1, 1]);
  t.deepEqual([...dataset.test.labels], [1]);
  t.deepEqual(await levels(dataset.train), [10, 21, 22]);
  t.deepEqual(await levels(dataset.test), [99]);
});

test('images of other formats are left out and counted by their endings, once for both splits', async (t) => {
  const folder = await temporary(t);
  await writeImage(join(folder, 'train', 'a', '1.png'), 1);
  await writeImage(join(folder, 'val', 'a', '1.png'), 2);
  const others = ['train/a/1.webp', 'train/a/2.WEBP', 'train/a/3.gif', 'train/a/notes.txt', 'val/a/4.webp'];
  for (const name of others) await writeFile(join(folder, name), 'not looked into');
  const notes: string[] = [];
  const dataset = await openDataset(folder, { size: 8, note: (message) => notes.push(message) });
  t.deepEqual(await levels(dataset.train), [1]);
  t.deepEqual(notes, [`${folder}: images that are neither JPEG nor PNG files are left out: 3 .webp, 1 .gif`]);
  await mkdir(join(folder, 'train', 'b'));
  await writeFile(join(folder, 'train', 'b', '1.bmp'), 'not looked into');
  const message = /b: expected JPEG or PNG files, found 1 \.bmp$/;
  await t.throwsAsync(openDataset(folder), { code: 'ERR_DATA', message });
});

test('of class folders alone every tenth image is kept for testing', async (t) => {
  const folder = await temporary(t);
  for (let i = 0; i < 7; i += 1) await writeImage(join(folder, 'a', `${i}.png`), i);
  for (let i = 7; i < 21; i += 1) await writeImage(join(folder, 'b', `${String(i).padStart(2, '0')}.png`), i);
  const dataset = await openDataset(folder, { size: 4 });
  t.deepEqual(await levels(dataset.test), [9, 19]);
  t.is(dataset.train.length, 19);
  t.deepEqual([...dataset.test.labels], [1, 1]);
});

test('links to folders are classes, and links to files or to nothing are none', async (t) => {
  const folder = await temporary(t);
  await Promise.all(Array.from({ length: 10 }, (_, i) => writeImage(join(folder, 'b', `${i}.png`), i)));
  await symlink(join(folder, 'b'), join(folder, 'a'));
  await symlink(join(folder, 'b', '0.png'), join(folder, 'first'));
  await symlink(join(folder, 'gone'), join(folder, 'lost'));
  t.deepEqual((await openDataset(folder)).classes, ['a', 'b']);
});

test('folders that are no data set are refused with the reason', async (t) => {
  const folder = await temporary(t);
  const refused = (message: RegExp) => t.throwsAsync(openDataset(folder), { code: 'ERR_DATA', message });
  await refused(/expected one folder of JPEG or PNG files a class, found no folder/);
  await mkdir(join(folder, 'a'));
  await refused(/a: expected JPEG or PNG files, found none/);
  await writeImage(join(folder, 'a', '1.png'), 1);
  await refused(/expected at least 10 images, to keep one for testing, found 1/);
  await writeImage(join(folder, 'train', 'a', '1.png'), 1);
  await refused(/expected val\/ or test\/ beside train\/, found neither/);
  await writeImage(join(folder, 'test', 'other', '1.png'), 1);
  await refused(/other: is a class that the train split does not have/);
  await t.throwsAsync(openDataset('imagenet', { directory: join(folder, 'a') }), {
    code: 'ERR_DATA',
    message: /train was not found.*image-net\.org/,
  });
  await t.throwsAsync(openDataset(folder, { size: 0 }), { code: 'ERR_OPTION', message: /size.*found 0/ });
});

test('a PNG is decoded exactly, plane by plane', async (t) => {
  const path = join(await temporary(t), 'x.png');
  const pixels = interleaved(7, 5, 3);
  await sharp(pixels, { raw: { width: 7, height: 5, channels: 3 } })
    .png()
    .toFile(path);
  const image = await decode(path, whole);
  const planes = [0, 1, 2].flatMap((channel) => [...pixels].filter((_, i) => i % 3 === channel));
  t.deepEqual(image, { channels: 3, height: 5, width: 7, pixels: Uint8Array.from(planes) });
});

test('gray becomes three equal planes, and transparency is dropped', async (t) => {
  const folder = await temporary(t);
  const level = interleaved(6, 4, 1);
  const gray = sharp(level, { raw: { width: 6, height: 4, channels: 1 } }).toColourspace('b-w');
  await gray.clone().png().toFile(join(folder, 'gray.png'));
  t.deepEqual([...(await decode(join(folder, 'gray.png'), whole)).pixels], [...level, ...level, ...level]);
  const rgba = interleaved(6, 4, 4);
  await sharp(rgba, { raw: { width: 6, height: 4, channels: 4 } })
    .png()
    .toFile(join(folder, 'rgba.png'));
  const planes = [0, 1, 2].flatMap((channel) => [...rgba].filter((_, i) => i % 4 === channel));
  t.deepEqual([...(await decode(join(folder, 'rgba.png'), whole)).pixels], planes);
});

/** Largest and mean difference of two images, in levels of 255. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): { largest: number; mean: number } {
  const all = Array.from(a, (value, i) => Math.abs(value - (b[i] as number)));
  return {
    largest: all.reduce((most, one) => Math.max(most, one), 0),
    mean: all.reduce((x, y) => x + y) / all.length,
  };
}

async function smooth(path: string, width: number, height: number): Promise<void> {
  const noise = interleaved(width, height, 3);
  await sharp(noise, { raw: { width, height, channels: 3 } })
    .blur(3)
    .png()
    .toFile(path);
}

// The decoder's library rounds weights and sums to few bits and shrinks in two steps: a few levels.
test('a frame cut by the decoder is the frame cut from the whole image', async (t) => {
  const path = join(await temporary(t), 'x.png');
  await smooth(path, 120, 90);
  const full = await decode(path, whole);
  for (const [width, height, size] of [
    [100, 80, 32],
    [17, 23, 40],
    [64, 64, 64],
  ] as const) {
    const frame = { left: 11, top: 5, width, height, outputWidth: size, outputHeight: size };
    const cut = await decode(path, () => frame);
    const { largest, mean } = difference(cut.pixels, resample(full, frame).pixels);
    t.true(largest <= 4 && mean < 1, `${width}x${height} to ${size}: largest ${largest}, mean ${mean}`);
  }
});

const peer = `
import sys, numpy
from PIL import Image
out = []
for line in sys.stdin.read().splitlines():
    path, *box, size = line.split('|')
    x, y, w, h = map(int, box)
    image = Image.open(path).convert('RGB').resize((int(size),) * 2, Image.BILINEAR, box=(x, y, x + w, y + h))
    out.append(numpy.asarray(image).transpose(2, 0, 1).tobytes())
sys.stdout.buffer.write(b''.join(out))
`;

const pillow = (() => {
  try {
    execFileSync(python, ['-c', 'import PIL, numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

// One decoder library, another order of rounding; shrinking while decoding costs most of a level.
(pillow && existsSync(imagenet) ? test : test.skip)(
  'JPEG files of any size and colour come out as Pillow reads them (needs Python with Pillow and the files)',
  async (t) => {
    const { train } = await openDataset(join(imagenet, 'fullsize'), { size: 64 });
    const rows: string[] = [];
    const ours: Image[] = [];
    const files = execFileSync('find', [join(imagenet, 'fullsize'), '-name', '*.JPEG'], { encoding: 'utf8' });
    for (const path of files.trim().split('\n').toSorted().slice(0, 30)) {
      const choose: ChooseFrame = (width, height) => {
        const frame = randomResizedCrop(64).frame(width, height, random(ours.length));
        rows.push([path, frame.left, frame.top, frame.width, frame.height, 64].join('|'));
        return frame;
      };
      ours.push(await decode(path, choose));
    }
    const theirs = execFileSync(python, ['-c', peer], { input: rows.join('\n'), maxBuffer: 2 ** 26 });
    t.true(train.length > 0);
    for (const [index, image] of ours.entries()) {
      const { mean } = difference(image.pixels, theirs.subarray(index * 12288, (index + 1) * 12288));
      t.true(mean < 1, `${rows[index]}: mean difference ${mean}`);
    }
  },
);

async function folderOfTwelve(t: ExecutionContext): Promise<string> {
  const folder = await temporary(t);
  for (let i = 0; i < 12; i += 1)
    await writeImage(join(folder, 'a', `${String(i).padStart(2, '0')}.png`), 10 * i);
  return folder;
}

const pass = {
  batch: 6,
  seed: 3,
  epoch: 0,
  shuffle: false,
  augment: [centerCrop(4)],
  normalize: { mean: [0, 0, 0], deviation: [1, 1, 1] },
  dropLast: false,
} as const;

async function collect(iterable: AsyncIterable<Batch>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of iterable) found.push(batch);
  return found;
}

test('a corrupt image stops a pass with its path, or is an empty row where that is wanted', async (t) => {
  const folder = await folderOfTwelve(t);
  const corrupt = join(folder, 'a', '02.png');
  await writeFile(corrupt, (await readFile(corrupt)).subarray(0, 60));
  const { train } = await openDataset(folder, { size: 4 });
  await t.throwsAsync(collect(batches(train, pass)), {
    code: 'ERR_DATA',
    message: /02\.png: cannot be decoded/,
  });
  const skipped: HalfspaceError[] = [];
  const found = await collect(batches(train, { ...pass, skipCorrupt: (error) => skipped.push(error) }));
  t.is(skipped.length, 1);
  t.deepEqual(
    found.map(({ count }) => count),
    [5, 5],
  );
  const [first] = found;
  t.deepEqual([...(first as Batch).labels], [0, 0, -1, 0, 0, 0]);
  t.true((first as Batch).images.subarray(2 * 48, 3 * 48).every((value) => value === 0));
  t.is((first as Batch).images[3 * 48], Math.fround(30 / 255));
});

test('images from files come in the same order and cuts, however fast each is decoded', async (t) => {
  const folder = await folderOfTwelve(t);
  const { train, augment, mean, deviation } = await openDataset(folder, { size: 16 });
  const options = { ...pass, shuffle: true, augment: augment.train, normalize: { mean, deviation } };
  const runs = await Promise.all([1, 2, 3].map(() => collect(batches(train, options))));
  t.deepEqual(runs[1], runs[0]);
  t.deepEqual(runs[2], runs[0]);
  const rest = await collect(batches(train, { ...options, start: 1 }));
  t.deepEqual(rest, runs[0]?.slice(1));
});

/** Prints a digest of two epochs, with every kind of randomness. */
const digest = (folder: string): string => `
  import { createHash } from 'node:crypto';
  const { colorJitter, cutmix, cutout, horizontalFlip, openDataset, randomCrop, randomResizedCrop } =
    await import('./lib/index.ts');
  const { batches } = await import('./lib/data/batches.ts');
  const { train, mean, deviation } = await openDataset(${JSON.stringify(folder)}, { size: 32 });
  const jitter = colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 });
  const augment = [randomResizedCrop(32), randomCrop(4), horizontalFlip(), jitter, cutout(8, mean)];
  const hash = createHash('sha256');
  for (const epoch of [0, 1]) {
    const options = { batch: 8, seed: 3, epoch, shuffle: true, dropLast: false, augment, mix: cutmix(1, 1) };
    for await (const { images, labels, targets } of batches(train, { ...options, normalize: { mean, deviation } })) {
      for (const part of [images, labels, targets]) hash.update(part);
    }
  }
  console.log(hash.digest('hex'));`;

test('a seed gives the same batches however many threads decode', async (t) => {
  const folder = await temporary(t);
  await mkdir(join(folder, 'a'));
  for (let i = 0; i < 24; i += 1) {
    const [width, height] = [40 + 7 * i, 200 - 5 * i];
    const raw = { width, height, channels: 3 } as const;
    await sharp(interleaved(width, height, 3), { raw })
      .jpeg()
      .toFile(join(folder, 'a', `${100 + i}.jpg`));
  }
  const flags = ['--import=./test/register.mjs', '--input-type=module', '-e', digest(folder)];
  const [one, many] = ['1', '7'].map((UV_THREADPOOL_SIZE) =>
    execFileSync(process.execPath, flags, {
      encoding: 'utf8',
      env: { ...process.env, UV_THREADPOOL_SIZE },
    }),
  );
  t.regex(one as string, /^[0-9a-f]{64}/);
  t.is(one, many);
});

test('a truncated JPEG is refused', async (t) => {
  const path = join(await temporary(t), 'x.jpg');
  const pixels = interleaved(64, 64, 3);
  const bytes = await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  await writeFile(path, bytes.subarray(0, bytes.length / 2));
  await t.throwsAsync(decode(path, whole), { code: 'ERR_DATA', message: /x\.jpg: cannot be decoded/ });
  await t.throwsAsync(decode(`${path}.not`, whole), { code: 'ERR_DATA', message: /x\.jpg\.not/ });
});

test('what is no file of an image is refused: nothing, a folder, a pipe, a device or a hole without end', async (t) => {
  const folder = await temporary(t);
  const at = (name: string): string => join(folder, name);
  await writeFile(at('empty.jpg'), '');
  await mkdir(at('folder.jpg'));
  await symlink('nowhere', at('dangling.jpg'));
  await symlink('/dev/zero', at('endless.jpg'));
  execFileSync('mkfifo', [at('pipe.jpg')]);
  await writeFile(at('hole.jpg'), '');
  await truncate(at('hole.jpg'), 2 ** 40);
  for (const [name, reason] of [
    ['empty.jpg', 'is an empty file'],
    ['folder.jpg', 'cannot be read (it is not a file)'],
    ['dangling.jpg', 'cannot be read (no such file or directory)'],
    ['endless.jpg', 'cannot be read (it is not a file)'],
    ['pipe.jpg', 'cannot be read (it is not a file)'],
    ['hole.jpg', 'cannot be read (its 1099511627776 bytes are more than 268435456)'],
  ] as const) {
    await t.throwsAsync(decode(at(name), whole), { code: 'ERR_DATA', message: `${at(name)}: ${reason}` });
  }
});

test('without the decoder package the error says how to install it', async (t) => {
  const path = join(await temporary(t), 'x.png');
  await writeImage(path, 1);
  const hook = `export const resolve = (name, context, next) => {
    if (name === 'sharp') throw new Error('not installed');
    return next(name, context);
  };`;
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
    const { decode } = await import('./lib/data/decode.ts');
    await decode(${JSON.stringify(path)}).catch(({ code, message }) => console.log(code, message));`;
  const flags = ['--import=./test/register.mjs', '--input-type=module', '-e', program];
  const output = execFileSync(process.execPath, flags, { encoding: 'utf8' });
  t.regex(output, /^ERR_UNSUPPORTED .*npm install sharp/);
});
