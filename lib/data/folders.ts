// Images in folders, one folder a class, in the manner of ImageNet: `train/` and `val/` (or
// `test/`) with the same classes, or the class folders alone, of which every tenth image is then
// kept for testing. Nothing is decoded before it is asked for.

import { extname, join } from 'node:path';

import { random } from '../random.js';
import { centerCrop, horizontalFlip, randomResizedCrop } from './augment.js';
import type { Dataset, Split } from './dataset.js';
import { decode } from './decode.js';
import { dataError, exists, findFolder, readFolders, readNames } from './files.js';
import type { ChooseFrame } from './image.js';

const IMAGE_FILE = /\.(jpe?g|png)$/i;
/** Endings of images that are not read, and are told of where they lie among those that are. */
const OTHER_IMAGE = /\.(webp|gif|bmp|tiff?|avif|heic|p[bgnp]m)$/i;
const HELD_OUT = 10;

const IMAGENET_ADVICE =
  'ImageNet (https://www.image-net.org) is expected as train/ and val/ with one folder of JPEG files ' +
  'a class; give the folder that holds them as --data-dir';

/** One image file and the index of its class. */
interface Labelled {
  readonly path: string;
  readonly label: number;
}

export interface FolderOptions {
  /** Height and width of the images. */
  readonly size: number;
  /** Told of images that are left out because of their format. */
  readonly note?: (message: string) => void;
}

/** ImageNet (ILSVRC 2012), or any part of it, from the first of `folders` that has it. */
export async function openImagenet(folders: readonly string[], options: FolderOptions): Promise<Dataset> {
  return openFolder('imagenet', await findFolder(folders, ['train'], IMAGENET_ADVICE), options);
}

/** A folder of class folders. Mean and deviation are ImageNet's, which suit photographs. */
export async function openFolder(
  name: string,
  folder: string,
  { size, note }: FolderOptions,
): Promise<Dataset> {
  const { classes, train, test, others } = await readSplits(folder);
  if (others.length > 0) note?.(`${folder}: ${leftOut(others)}`);
  return {
    name,
    classes,
    shape: [3, size, size],
    mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225],
    train: fileSplit(train, size),
    test: fileSplit(test, size),
    augment: { train: [randomResizedCrop(size), horizontalFlip()], test: [centerCrop(size)] },
  };
}

interface Splits {
  readonly classes: readonly string[];
  readonly train: readonly Labelled[];
  readonly test: readonly Labelled[];
  /** Names of images of other formats. */
  readonly others: readonly string[];
}

async function readSplits(folder: string): Promise<Splits> {
  const training = join(folder, 'train');
  if (!(await exists(training))) return heldOut(folder);
  const testing = await testFolder(folder);
  const classes = await classFolders(training);
  await sameClasses(testing, classes);
  const [train, test] = [await labelled(training, classes), await labelled(testing, classes)];
  return { classes, train: train.images, test: test.images, others: [...train.others, ...test.others] };
}

async function testFolder(folder: string): Promise<string> {
  for (const name of ['val', 'test']) {
    const candidate = join(folder, name);
    if (await exists(candidate)) return candidate;
  }
  throw dataError(folder, 'expected val/ or test/ beside train/, found neither');
}

/** Every tenth image, by class and name, is for testing, so that the split is always the same. */
async function heldOut(folder: string): Promise<Splits> {
  const classes = await classFolders(folder);
  const { images, others } = await labelled(folder, classes);
  if (images.length < HELD_OUT) {
    throw dataError(
      folder,
      `expected at least ${HELD_OUT} images, to keep one for testing, found ${images.length}`,
    );
  }
  const held = (index: number): boolean => index % HELD_OUT === HELD_OUT - 1;
  return {
    classes,
    train: images.filter((_, index) => !held(index)),
    test: images.filter((_, index) => held(index)),
    others,
  };
}

/** Systems keep files of their own beside images, some under the image's ending (`._photo.jpg`). */
const isVisible = (name: string): boolean => !name.startsWith('.');

async function classFolders(folder: string): Promise<readonly string[]> {
  const classes = (await readFolders(folder)).filter(isVisible).toSorted();
  if (classes.length > 0) return classes;
  throw dataError(folder, 'expected one folder of JPEG or PNG files a class, found no folder');
}

/** A split may lack classes (a part of a data set), but have none of its own. */
async function sameClasses(folder: string, classes: readonly string[]): Promise<void> {
  const extra = (await classFolders(folder)).find((name) => !classes.includes(name));
  if (extra !== undefined)
    throw dataError(join(folder, extra), 'is a class that the train split does not have');
}

interface Contents {
  readonly images: readonly Labelled[];
  readonly others: readonly string[];
}

async function labelled(folder: string, classes: readonly string[]): Promise<Contents> {
  const images: Labelled[] = [];
  const others: string[] = [];
  for (const [label, name] of classes.entries()) {
    const inside = join(folder, name);
    if (!(await exists(inside))) continue;
    const names = (await readNames(inside)).filter(isVisible);
    const unread = names.filter((file) => OTHER_IMAGE.test(file));
    const read = names.filter((file) => IMAGE_FILE.test(file)).toSorted();
    if (read.length === 0) throw dataError(inside, `expected JPEG or PNG files, found ${instead(unread)}`);
    for (const file of read) images.push({ path: join(inside, file), label });
    for (const file of unread) others.push(file);
  }
  return { images, others };
}

const instead = (others: readonly string[]): string => (others.length > 0 ? byEnding(others) : 'none');

const leftOut = (others: readonly string[]): string =>
  `images that are neither JPEG nor PNG files are left out: ${byEnding(others)}`;

/** How many files have which ending: `12 .webp, 1 .gif`. */
function byEnding(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const ending = extname(name).toLowerCase();
    counts.set(ending, (counts.get(ending) ?? 0) + 1);
  }
  return [...counts].map(([ending, count]) => `${count} ${ending}`).join(', ');
}

function fileSplit(files: readonly Labelled[], size: number): Split {
  const middle = centerCrop(size);
  const whole: ChooseFrame = (width, height) => middle.frame(width, height, random());
  return {
    length: files.length,
    labels: Int32Array.from(files, ({ label }) => label),
    shape: [3, size, size],
    image: (index, choose = whole) => decode((files[index] as Labelled).path, choose),
  };
}
