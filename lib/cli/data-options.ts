// `--data` and what goes with it, shared by `train` and `eval`.

import type { Dataset } from '../data/dataset.js';
import { isDatasetName } from '../data/names.js';
import { HalfspaceError } from '../errors.js';
import { datasetNames } from './names.js';
import { orElse, parseNumbers, positiveInteger, withoutUndefined } from './options.js';
import type { Output } from './output.js';
import { Option, type Command } from './packages.js';

export interface DataFlags {
  readonly data?: string;
  readonly dataDir?: string;
  readonly size?: number;
  readonly mean?: readonly number[];
  readonly deviation?: readonly number[];
  readonly skipCorrupt?: boolean;
}

export const addDataOptions = (command: Command): Command =>
  command
    .addOption(
      orElse(datasetNames, new Option('--data <dataset>', 'a data set, or a folder of class folders')),
    )
    .option('--data-dir <folder>', 'where the published files are')
    .option('--size <pixels>', 'height and width of images read from folders', positiveInteger)
    .option('--mean <list>', 'what is taken off pixels of 0 to 1, by commas, one a channel', parseNumbers)
    .option('--deviation <list>', 'what they are then divided by, likewise', parseNumbers)
    .option('--skip-corrupt', 'leave out images that cannot be decoded, and name them');

/** What `search` and `evaluate` do with images that cannot be decoded: each is named once, or ends it all. */
export function skipping({ skipCorrupt = false }: DataFlags, { note }: Output) {
  if (!skipCorrupt) return { skipCorrupt: refuse };
  const told = new Set<string>();
  const tell = ({ message }: HalfspaceError): void => {
    if (!told.has(message)) note(`left out: ${message}`);
    told.add(message);
  };
  return { skipCorrupt: tell };
}

function refuse(cause: HalfspaceError): never {
  throw new HalfspaceError(cause.code, `${cause.message}; --skip-corrupt leaves such images out`, { cause });
}

/** Opens the data set; throws ERR_OPTION where a flag is missing, or would say nothing about it. */
export async function openData(
  { data, dataDir, size, mean, deviation }: DataFlags,
  { note }: Output,
): Promise<Dataset> {
  if (data === undefined) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `expected a data set, got none: add --data (${datasetNames.join(', ')})`,
    );
  }
  if (dataDir !== undefined && (data === 'sample' || !isDatasetName(data))) {
    throw new HalfspaceError('ERR_OPTION', `--data-dir says where published files are; '${data}' has none`);
  }
  if (size !== undefined && isDatasetName(data) && data !== 'imagenet') {
    throw new HalfspaceError(
      'ERR_OPTION',
      `--size is for images read from folders; those of '${data}' have one size`,
    );
  }
  const { openDataset } = await import('../data/open.js');
  return openDataset(data, { note, ...withoutUndefined({ directory: dataDir, size, mean, deviation }) });
}

/** A built-in network is built for the images of the data set. */
export const shapeFor = (dataset: Dataset) => ({ input: dataset.shape, classes: dataset.classes.length });
