// The names that options and settings take, from where they are defined, and those that only the command
// line knows. Help, completion and the schema of settings files all read them here; nothing that this
// file imports builds or opens anything.

export { datasetNames } from '../data/names.js';
export { modelNames } from '../models/names.js';
export { deviceForm, deviceNames, devicePattern, precisionNames } from '../train/device-names.js';
export { optimizerNames } from '../train/optimizer.js';
export { scheduleNames } from '../train/schedule.js';
export { selectorNames } from '../train/scores.js';

/** Augmentations with the settings usual for the size of the images. */
export const augmentationNames = [
  'random-crop',
  'random-resized-crop',
  'horizontal-flip',
  'cutout',
  'color-jitter',
] as const;

export type AugmentationName = (typeof augmentationNames)[number];

/** Mixes with the parameters of their papers. */
export const mixNames = ['mixup', 'cutmix'] as const;

export type MixName = (typeof mixNames)[number];
