// The front door: a data set by its name. Formats live beside this file, one each.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { HalfspaceError } from '../errors.js';
import { suggest } from '../suggest.js';
import { openCifar10 } from './cifar.js';
import type { Dataset } from './dataset.js';
import { isFolder } from './files.js';
import { openFolder, openImagenet } from './folders.js';
import { openFashionMnist } from './idx.js';
import { datasetNames, isDatasetName, type DatasetName } from './names.js';
import { openStl10 } from './stl.js';
import { openSvhn } from './svhn.js';

/** Where and how to read. */
export interface OpenOptions {
  /** Folder that holds the published files, or that holds their folder. */
  readonly directory?: string;
  /** Height and width of images that are read from folders; 224 by default. */
  readonly size?: number;
  /** Per channel, or one number for all, of pixels scaled to 0..1; those of the data set by default. */
  readonly mean?: readonly number[];
  readonly deviation?: readonly number[];
  /** Told of images in a folder that are left out because of their format. */
  readonly note?: (message: string) => void;
}

type Opener = (options: OpenOptions) => Promise<Dataset>;

const DEBIAN_FASHION_MNIST = '/usr/share/datasets/fashion-mnist';
const SIZE = 224;

/** The given folder and, inside it, folders by the names that archives unpack to. */
const within = ({ directory }: OpenOptions, ...names: readonly string[]): readonly string[] =>
  directory === undefined ? [] : ['.', ...names].map((name) => join(directory, name));

/** In a checkout the sample lies among the assets; otherwise it is a package of its own. */
function sampleFolders(): readonly string[] {
  const assets = fileURLToPath(new URL('../../assets/fashion-mnist-sample', import.meta.url));
  try {
    return [assets, dirname(createRequire(import.meta.url).resolve('@halfspace/sample/package.json'))];
  } catch {
    return [assets];
  }
}

const openers: Readonly<Record<DatasetName, Opener>> = {
  sample: () => openFashionMnist('sample', sampleFolders()),
  'fashion-mnist': (options) => {
    const folders =
      options.directory === undefined ? [DEBIAN_FASHION_MNIST] : within(options, 'fashion-mnist');
    return openFashionMnist('fashion-mnist', folders);
  },
  cifar10: (options) => openCifar10(within(options, 'cifar-10-batches-bin', 'cifar10')),
  svhn: (options) => openSvhn(within(options, 'svhn')),
  stl10: (options) => openStl10(within(options, 'stl10_binary', 'stl10')),
  imagenet: ({ size = SIZE, ...options }) =>
    openImagenet(within(options, 'imagenet', 'ILSVRC/Data/CLS-LOC'), { size, ...options }),
};

/**
 * Opens a data set by name, or a folder of class folders by its path. Throws ERR_OPTION for an
 * unknown name or size, ERR_DATA where files are missing or malformed, ERR_UNSUPPORTED where
 * images need a decoder that is not installed.
 */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Dataset> {
  const { size = SIZE } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new HalfspaceError('ERR_OPTION', `size must be a whole number of pixels from 1, found ${size}`);
  }
  if (isDatasetName(name)) return normalized(await openers[name](options), options);
  if (await isFolder(name)) return normalized(await openFolder(name, name, { ...options, size }), options);
  throw new HalfspaceError(
    'ERR_OPTION',
    `'${name}' is neither a data set nor a folder${suggest(name, datasetNames)}`,
  );
}

/** The data set with the constants that were asked for. */
function normalized(dataset: Dataset, { mean, deviation }: OpenOptions): Dataset {
  const [channels] = dataset.shape;
  return {
    ...dataset,
    mean: perChannel('mean', mean, channels, Number.isFinite) ?? dataset.mean,
    deviation:
      perChannel('deviation', deviation, channels, (x) => Number.isFinite(x) && x > 0) ?? dataset.deviation,
  };
}

function perChannel(
  what: string,
  values: readonly number[] | undefined,
  channels: number,
  holds: (value: number) => boolean,
): readonly number[] | undefined {
  const all = values?.length === 1 ? Array<number>(channels).fill(values[0] as number) : values;
  if (!all || (all.length === channels && all.every(holds))) return all;
  throw new HalfspaceError(
    'ERR_OPTION',
    `${what}: expected one ${what === 'mean' ? '' : 'positive '}number or ${channels}, one a channel, found ${all.join(',')}`,
  );
}
