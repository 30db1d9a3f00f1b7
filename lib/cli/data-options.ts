// `--data` and what goes with it, shared by `train` and `eval`.

import type { Command } from 'commander';
import { HalfspaceError, type Dataset } from '../index.js';
import { positiveInteger } from './options.js';

export interface DataFlags {
  readonly data: string;
  readonly dataDir?: string;
  readonly size?: number;
}

export const addDataOptions = (command: Command): Command =>
  command
    .requiredOption('--data <dataset>', 'a data set by name, or a folder of class folders')
    .option('--data-dir <folder>', 'where the published files are')
    .option('--size <pixels>', 'height and width of images read from folders', positiveInteger);

/** Opens the data set; throws ERR_OPTION where a flag would say nothing about it. */
export async function openData({ data, dataDir, size }: DataFlags): Promise<Dataset> {
  const { datasetNames, openDataset } = await import('../data/open.js');
  if (dataDir !== undefined && (data === 'sample' || !datasetNames.includes(data))) {
    throw new HalfspaceError('ERR_OPTION', `--data-dir says where published files are; '${data}' has none`);
  }
  if (size !== undefined && datasetNames.includes(data) && data !== 'imagenet') {
    throw new HalfspaceError(
      'ERR_OPTION',
      `--size is for images read from folders; those of '${data}' have one size`,
    );
  }
  return openDataset(data, {
    ...(dataDir === undefined ? {} : { directory: dataDir }),
    ...(size === undefined ? {} : { size }),
  });
}

/** A built-in network is built for the images of the data set. */
export const shapeFor = (dataset: Dataset) => ({ input: dataset.shape, classes: dataset.classes.length });
