// From the flags of `train` to the options of `search`. What is not given is left to the library's defaults.

import { cutout, horizontalFlip, randomCrop, randomResizedCrop, type Augmentation } from '../data/augment.js';
import { colorJitter } from '../data/color.js';
import type { Dataset } from '../data/dataset.js';
import { cutmix, mixup, type Mix } from '../data/mix.js';
import { HalfspaceError } from '../errors.js';
import type { Target } from '../search/selection.js';
import { optimizer, type Optimizer } from '../train/optimizer.js';
import type { SearchOptions } from '../train/options.js';
import type { LogName } from '../train/run-directory.js';
import type { AugmentationName, MixName } from './names.js';
import { withoutUndefined } from './options.js';

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
  readonly augment?: readonly AugmentationName[];
  readonly mix?: MixName;
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
  readonly csv?: boolean;
  readonly tensorboard?: boolean;
}

/** Throws ERR_OPTION for options that contradict each other. */
export const searchOptions = (flags: SearchFlags, dataset: Dataset): SearchOptions =>
  withoutUndefined({
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
    logs: logsOf(flags),
  }) as SearchOptions;

const logsOf = ({ csv, tensorboard }: SearchFlags): readonly LogName[] => [
  ...(csv ? (['csv'] as const) : []),
  ...(tensorboard ? (['tensorboard'] as const) : []),
];

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

/** With the settings usual for images of this size. */
const augmentationsFor = ({
  shape: [, height],
  mean,
}: Dataset): Readonly<Record<AugmentationName, Augmentation>> => ({
  'random-crop': randomCrop(Math.max(1, Math.round(height / 8))),
  'random-resized-crop': randomResizedCrop(height),
  'horizontal-flip': horizontalFlip(),
  cutout: cutout(Math.round(height / 2), mean),
  'color-jitter': colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4 }),
});

function augmentations(
  names: readonly AugmentationName[] | undefined,
  dataset: Dataset,
): readonly Augmentation[] | undefined {
  const known = augmentationsFor(dataset);
  return names?.map((name) => known[name]);
}

/** With the parameters of the papers: mixup alpha 0.2, cutmix alpha 1. */
function mixOf(name: MixName | undefined, { classes }: Dataset): Mix | undefined {
  const mixes = {
    mixup: () => mixup(0.2, classes.length),
    cutmix: () => cutmix(1, classes.length),
  } satisfies Record<MixName, () => Mix>;
  return name && mixes[name]();
}
