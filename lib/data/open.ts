// The front door: a data set by its name. Formats live beside this file, one each.

import { fileURLToPath } from 'node:url';

import { HalfspaceError } from '../errors.js';
import { suggest } from '../suggest.js';
import type { Dataset } from './dataset.js';
import { openFashionMnist } from './idx.js';

/** Where and how to read. */
export interface OpenOptions {
  /** Folder that holds the published files. */
  readonly directory?: string;
  /** Height and width of pictures that are read from folders; 224 by default. */
  readonly size?: number;
}

const DEBIAN_FASHION_MNIST = '/usr/share/datasets/fashion-mnist';
const SAMPLE = fileURLToPath(new URL('../../assets/fashion-mnist-sample', import.meta.url));

type Opener = (options: OpenOptions) => Promise<Dataset>;

const openers: Readonly<Record<string, Opener>> = {
  sample: () => openFashionMnist('sample', [SAMPLE]),
  'fashion-mnist': ({ directory }) => openFashionMnist('fashion-mnist', [directory ?? DEBIAN_FASHION_MNIST]),
};

/** Names that `openDataset` knows besides folders of class folders. */
export const datasetNames: readonly string[] = Object.keys(openers);

/**
 * Opens a data set by name, or a folder of class folders by its path. Throws ERR_OPTION for an
 * unknown name, ERR_DATA where files are missing or malformed.
 */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Dataset> {
  const opener = openers[name];
  if (opener) return opener(options);
  throw new HalfspaceError('ERR_OPTION', `unknown data set '${name}'${suggest(name, datasetNames)}`);
}
