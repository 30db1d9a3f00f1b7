// What happens where an option is not given, as help says it. The library decides; nothing is set here.

import type { Command } from 'commander';
import { defaults, usualRate } from '../train/defaults.js';
import { optimizer } from '../train/optimizer.js';
import { optimizerNames } from './names.js';

type RuleName = (typeof optimizerNames)[number];

const ofEachRule = (value: (name: RuleName) => number): string =>
  optimizerNames.map((name) => `${value(name)} for ${name}`).join(', ');

/** `1/6` */
const share = (value: number): string => `1/${Math.round(1 / value)}`;

/** By the option's name in camel case. */
const usual: Readonly<Record<string, string | number>> = {
  epochs: defaults.epochs,
  batch: defaults.batch,
  optimizer: defaults.optimizer,
  lr: ofEachRule((name) => usualRate[name]),
  schedule: defaults.schedule,
  lrWarmup: defaults.learningRateWarmup,
  weightDecay: ofEachRule((name) => optimizer(name).weightDecay),
  labelSmoothing: defaults.smoothing,
  size: 224,
  mean: "the data set's, ImageNet's for folders",
  deviation: "the data set's, ImageNet's for folders",
  augment: "the data set's",
  seed: defaults.seed,
  score: defaults.score,
  warmup: share(defaults.warmup),
  window: share(defaults.window),
  width: 'the published one',
  out: 'a new one under runs/',
  threads: 'all cores',
  precision: 'tf32 on a GPU, else fp32',
  config: 'halfspace.config.json, .yaml or .ts here or above',
};

/** Adds to the help of each option what is usual, where it says nothing of its own. */
export function showUsualValues(command: Command): void {
  for (const option of command.options) {
    const value = usual[option.attributeName()];
    if (value === undefined || option.negate || option.defaultValue !== undefined) continue;
    option.default(undefined, String(value));
  }
}
