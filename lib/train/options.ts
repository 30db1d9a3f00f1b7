// What a training run is told: `SearchOptions` as users give it, `TrainOptions` with everything
// decided. Defaults and checks live here; the trainer reads nothing else.

import type { Augmentation } from '../data/augment.js';
import type { Dataset } from '../data/dataset.js';
import type { Mix } from '../data/mix.js';
import { HalfspaceError } from '../errors.js';
import type { Target } from '../search/selection.js';
import { suggest } from '../suggest.js';
import { openNative, type OpenSession } from './device-network.js';
import { stepsPerEpoch } from './feed.js';
import { optimizer, type Optimizer } from './optimizer.js';
import type { PlanOptions } from './policy.js';
import type { Progress } from './progress.js';
import { schedule, type Schedule } from './schedule.js';
import { scoreNames, type ScoreName } from './scores.js';

/** Selection by measured losses: how many batches each loss is taken over, and how many losses at most. */
export interface AblationSettings {
  readonly batches: number;
  readonly losses: number;
}

/** A training run, everything decided. */
export interface TrainOptions extends Required<PlanOptions> {
  /** What shall be erased; null trains the network as it is. */
  readonly target: Target | null;
  /** Give branches without parameters a gate, so that they can be erased too. */
  readonly gates: boolean;
  /** Length of the run. */
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Label smoothing, 0 for none. */
  readonly smoothing: number;
  readonly augment: readonly Augmentation[];
  readonly mix: Mix | null;
  readonly score: ScoreName | 'ablation';
  /** Weight of the past in the averaged scores. */
  readonly scoreMemory: number;
  readonly ablation: AblationSettings;
  /** Rebuild the running program without the erased segments once they are zero. */
  readonly eraseAsYouTrain: boolean;
  readonly device: string;
  readonly open: OpenSession;
  /** Told of each image that cannot be decoded and is left out; null makes it an error. */
  readonly skipCorrupt: ((error: HalfspaceError) => void) | null;
  /** Raised: the run is given up and rejects with the signal's reason. */
  readonly signal: AbortSignal | null;
  /** Raised: the run ends after the current step, or within selection, with what it has. */
  readonly stop: AbortSignal | null;
}

/**
 * Options of `search`. All are optional; without `target` the network is trained as it is.
 * An optimizer or schedule given by name has its usual constants.
 */
export interface SearchOptions extends Partial<Omit<TrainOptions, 'optimizer' | 'schedule'>> {
  /** Passes over the training split, 12 by default; `steps` overrules it. */
  readonly epochs?: number;
  readonly optimizer?: Optimizer['rule'] | Optimizer;
  readonly schedule?: Schedule['kind'] | Schedule;
  /** Highest learning rate of a schedule given by name; by default the optimizer's usual one. */
  readonly learningRate?: number;
  /** Share of the steps in which the rate of a schedule given by name rises, 0.05 by default. */
  readonly learningRateWarmup?: number;
  /** Threads of the CPU engine; by default all cores that the process may use. */
  readonly threads?: number;
  /** Folder for checkpoints, metrics, networks and summary; nothing is written without it. */
  readonly directory?: string;
  /** Go on with the run that `directory` holds. */
  readonly resume?: boolean;
  /** Called with every event; training waits for it. */
  readonly onProgress?: (progress: Progress) => void | Promise<void>;
}

/** Usual learning rates: OTOv3's for sgd, the optimizers' papers' for the others. */
const usualRate: Readonly<Record<Optimizer['rule'], number>> = { sgd: 0.1, adam: 1e-3, adamw: 1e-3 };

const defaults = {
  target: null,
  gates: false,
  epochs: 12,
  batch: 64,
  seed: 0,
  smoothing: 0,
  mix: null,
  warmup: 1 / 6,
  window: 1 / 3,
  score: 'ablation',
  scoreMemory: 0.9,
  ablation: { batches: 4, losses: 600 },
  eraseAsYouTrain: true,
  device: 'cpu',
  skipCorrupt: null,
  signal: null,
  stop: null,
} as const satisfies Partial<SearchOptions>;

/** Options after defaults. */
type Given = SearchOptions & Required<Pick<SearchOptions, keyof typeof defaults>>;

/** Names of all options that `search` knows. */
const optionNames = [
  ...Object.keys(defaults),
  'steps',
  'optimizer',
  'schedule',
  'learningRate',
  'learningRateWarmup',
  'augment',
  'open',
  'threads',
  'directory',
  'resume',
  'onProgress',
];

/** Decides everything that `options` leave open for training on `dataset`. Throws ERR_OPTION. */
export function resolveOptions(dataset: Dataset, options: SearchOptions): TrainOptions {
  checkNames(options);
  const given: Given = { ...defaults, ...withoutUndefined(options) };
  checkNumbers(given);
  const steps = given.steps ?? given.epochs * stepsPerEpoch(dataset, given.batch);
  const base = typeof given.optimizer === 'object' ? given.optimizer : optimizer(given.optimizer ?? 'sgd');
  return {
    target: given.target,
    gates: given.gates,
    steps,
    batch: given.batch,
    seed: given.seed,
    optimizer: base,
    schedule: chosenSchedule(given, base, steps),
    smoothing: given.smoothing,
    augment: given.augment ?? dataset.augment.train,
    mix: given.mix,
    warmup: given.warmup,
    window: given.window,
    score: chosenScore(given.score),
    scoreMemory: given.scoreMemory,
    ablation: given.ablation,
    eraseAsYouTrain: given.eraseAsYouTrain,
    device: given.device,
    open: given.open ?? openNative(given.threads),
    skipCorrupt: given.skipCorrupt,
    signal: given.signal,
    stop: given.stop,
  };
}

/** An option that is given as undefined counts as not given. */
const withoutUndefined = (options: SearchOptions): SearchOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function chosenSchedule(
  { schedule: given = 'cosine', learningRate, learningRateWarmup = 0.05 }: SearchOptions,
  { rule }: Optimizer,
  steps: number,
): Schedule {
  if (typeof given === 'object') return given;
  return schedule(given, learningRate ?? usualRate[rule], Math.round(learningRateWarmup * steps));
}

function chosenScore(name: TrainOptions['score']): TrainOptions['score'] {
  if (selectorNames.includes(name)) return name;
  throw new HalfspaceError('ERR_OPTION', `unknown score '${name}'${suggest(name, selectorNames)}`);
}

/** Every score by name, the measured one first. */
export const selectorNames: readonly TrainOptions['score'][] = ['ablation', ...scoreNames];

function checkNames(options: SearchOptions): void {
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      throw new HalfspaceError('ERR_OPTION', `unknown option '${name}'${suggest(name, optionNames)}`);
    }
  }
}

function checkNumbers(options: Given): void {
  positiveInteger('epochs', options.epochs);
  positiveInteger('batch', options.batch);
  if (options.steps !== undefined) positiveInteger('steps', options.steps);
  positiveInteger('ablation.batches', options.ablation.batches);
  positiveInteger('ablation.losses', options.ablation.losses);
  share('smoothing', options.smoothing);
  share('scoreMemory', options.scoreMemory);
  share('learningRateWarmup', options.learningRateWarmup ?? 0);
  if (!Number.isSafeInteger(options.seed)) {
    throw new HalfspaceError('ERR_OPTION', `seed: expected a whole number, got ${options.seed}`);
  }
}

function positiveInteger(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new HalfspaceError('ERR_OPTION', `${name}: expected a positive whole number, got ${value}`);
}

function share(name: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new HalfspaceError('ERR_OPTION', `${name}: expected a number from 0 to below 1, got ${value}`);
}
