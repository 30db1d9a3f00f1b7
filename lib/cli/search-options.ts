// From the flags of `train` to the options of `search`. What is not given is left to the library's defaults.

import { HalfspaceError, optimizer, type Dataset, type SearchOptions, type Target } from '../index.js';
import { lookUp } from '../suggest.js';
import { cutout, horizontalFlip, randomCrop, type Augmentation } from '../data/augment.js';
import { colorJitter } from '../data/color.js';
import { cutmix, mixup, type Mix } from '../data/mix.js';
import type { Optimizer } from '../train/optimizer.js';

/** The flags as commander gives them. */
export interface SearchFlags {
  readonly remove?: number;
  readonly sparsity?: number;
  readonly gates?: boolean;
  readonly params?: number;
  readonly macs?: number;
  readonly epochs?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly optimizer?: string;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
  readonly lr?: number;
  readonly schedule?: string;
  readonly lrWarmup?: number;
  readonly labelSmoothing?: number;
  readonly augment?: string;
  readonly mix?: string;
  readonly seed?: number;
  readonly score?: string;
  readonly warmup?: number;
  readonly window?: number;
  readonly rebuild: boolean;
  readonly threads?: number;
  readonly device: string;
  readonly precision?: string;
  readonly out?: string;
  readonly resume?: boolean;
}

/** Throws ERR_OPTION for names that do not exist and for more than one target. */
export const searchOptions = (flags: SearchFlags, dataset: Dataset): SearchOptions =>
  given({
    target: targetOf(flags),
    gates: flags.gates,
    epochs: flags.epochs,
    steps: flags.steps,
    batch: flags.batch,
    seed: flags.seed,
    optimizer: optimizerOf(flags),
    schedule: flags.schedule,
    learningRate: flags.lr,
    learningRateWarmup: flags.lrWarmup,
    smoothing: flags.labelSmoothing,
    augment: augmentations(flags.augment, dataset),
    mix: mixOf(flags.mix, dataset),
    score: flags.score,
    warmup: flags.warmup,
    window: flags.window,
    eraseAsYouTrain: flags.rebuild,
    threads: flags.threads,
    device: flags.device,
    precision: flags.precision,
    directory: flags.out,
    resume: flags.resume,
  });

/** Without the entries that are undefined. */
const given = (options: Readonly<Record<string, unknown>>): SearchOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function targetOf({ remove, sparsity, params, macs }: SearchFlags): Target | undefined {
  const targets: Target[] = [
    ...(remove === undefined ? [] : [{ kind: 'count', count: remove } as const]),
    ...(sparsity === undefined ? [] : [{ kind: 'fraction', fraction: sparsity } as const]),
    ...(params === undefined ? [] : [{ kind: 'params', limit: params } as const]),
    ...(macs === undefined ? [] : [{ kind: 'macs', limit: macs } as const]),
  ];
  if (targets.length > 1) {
    throw new HalfspaceError(
      'ERR_OPTION',
      'give one of --remove, --sparsity, --params and --macs, not several',
    );
  }
  return targets[0];
}

function optimizerOf({ optimizer: name = 'sgd', nesterov, weightDecay }: SearchFlags): Optimizer {
  if (nesterov && name !== 'sgd') {
    throw new HalfspaceError('ERR_OPTION', `--nesterov is a kind of momentum of sgd; ${name} has none`);
  }
  return optimizer(name, {
    ...(nesterov === undefined ? {} : { nesterov }),
    ...(weightDecay === undefined ? {} : { weightDecay }),
  });
}

/** By name, with the settings usual for images of this size. */
const augmentationsFor = ([, height]: Dataset['shape']): Readonly<Record<string, Augmentation>> => ({
  crop: randomCrop(Math.max(1, Math.round(height / 8))),
  flip: horizontalFlip(),
  cutout: cutout(Math.round(height / 2)),
  jitter: colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4 }),
});

function augmentations(list: string | undefined, dataset: Dataset): readonly Augmentation[] | undefined {
  if (list === undefined) return undefined;
  const known = augmentationsFor(dataset.shape);
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'none')
    .map((name) => lookUp(known, name, 'augmentation'));
}

/** With the parameters of the papers: mixup alpha 0.2, cutmix alpha 1. */
function mixOf(name: string | undefined, { classes }: Dataset): Mix | undefined {
  const mixes = { mixup: () => mixup(0.2, classes.length), cutmix: () => cutmix(1, classes.length) };
  return name === undefined ? undefined : lookUp<() => Mix>(mixes, name, 'mix')();
}
