// What a training run is told: `SearchOptions` as users give it, `TrainOptions` with everything
// decided. Defaults live in defaults.ts, checks in option-checks.ts; the trainer reads nothing else.

import type { Loss } from '../compile/loss.js';
import type { Augmentation } from '../data/augment.js';
import type { Dataset } from '../data/dataset.js';
import type { Mix } from '../data/mix.js';
import { HalfspaceError } from '../errors.js';
import type { Target } from '../search/selection.js';
import { openNative, type OpenSession } from './device-network.js';
import { chooseDevice } from './devices.js';
import { stepsPerEpoch } from './feed.js';
import { checkOptions } from './option-checks.js';
import { defaults, usualRate } from './defaults.js';
import type { Precision } from './device-names.js';
import { optimizer, type Optimizer } from './optimizer.js';
import type { PlanOptions } from './policy.js';
import type { Progress } from './progress.js';
import type { LogName } from './run-directory.js';
import { schedule, type LearningRate, type Schedule } from './schedule.js';
import type { Score, SelectorName } from './scores.js';

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
  /** Settings, or a function of one's own. */
  readonly schedule: Schedule | LearningRate;
  /** A loss of one's own; null for softmax cross-entropy. */
  readonly loss: Loss | null;
  /** Label smoothing of cross-entropy, 0 for none. */
  readonly smoothing: number;
  readonly augment: readonly Augmentation[];
  readonly mix: Mix | null;
  /** How redundancy is judged: by name, or a function of one's own. */
  readonly score: SelectorName | Score;
  /** Weight of the past in the averaged scores. */
  readonly scoreMemory: number;
  readonly ablation: AblationSettings;
  /** Rebuild the running program without the erased segments once they are zero. */
  readonly eraseAsYouTrain: boolean;
  readonly device: string;
  /** @internal */
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
export interface SearchOptions extends Partial<Omit<TrainOptions, 'optimizer' | 'schedule' | 'ablation'>> {
  /** Passes over the training split, 12 by default; `steps` overrules it. */
  readonly epochs?: number;
  readonly optimizer?: Optimizer['rule'] | Optimizer;
  readonly schedule?: Schedule['kind'] | Schedule | LearningRate;
  /** Highest learning rate of a schedule given by name; by default the optimizer's usual one. */
  readonly learningRate?: number;
  /** Share of the steps in which the rate of a schedule given by name rises, 0.05 by default. */
  readonly learningRateWarmup?: number;
  /** Settings that are not given have their defaults: 4 batches, 600 losses. */
  readonly ablation?: Partial<AblationSettings>;
  /** Threads of the CPU engine; by default all cores that the process may use. */
  readonly threads?: number;
  /** What products are computed with; by default fp32 on the CPU and tf32 with CUDA. */
  readonly precision?: Precision;
  /** Folder for checkpoints, metrics, networks and summary; nothing is written without it. */
  readonly directory?: string;
  /** Go on with the run that `directory` holds. */
  readonly resume?: boolean;
  /** Write the events to `directory` as `csv` or for `tensorboard`, too. */
  readonly logs?: readonly LogName[];
  /** Plain JSON for `config.json`: how the run was asked for, in the caller's words. It decides nothing. */
  readonly origin?: Readonly<Record<string, unknown>>;
  /** Called with every event; training waits for it. */
  readonly onProgress?: (progress: Progress) => void | Promise<void>;
}

/** Options after defaults. */
type Given = SearchOptions & Required<Pick<SearchOptions, keyof typeof defaults>>;

/** Decides everything that `options` leave open for training on `dataset`. Throws ERR_OPTION. */
export function resolveOptions(dataset: Dataset, options: SearchOptions): TrainOptions {
  checkOptions(options);
  const given: Given = { ...defaults, ...withoutUndefined(options) };
  checkTogether(given);
  const steps = given.steps ?? given.epochs * stepsPerEpoch(dataset, given.batch);
  const base = typeof given.optimizer === 'object' ? given.optimizer : optimizer(given.optimizer);
  return {
    target: given.target,
    gates: given.gates,
    steps,
    batch: given.batch,
    seed: given.seed,
    optimizer: base,
    schedule: chosenSchedule(given, base, steps),
    loss: given.loss,
    smoothing: given.smoothing,
    augment: given.augment ?? dataset.augment.train,
    mix: given.mix,
    warmup: given.warmup,
    window: given.window,
    score: given.score,
    scoreMemory: given.scoreMemory,
    ablation: { ...defaults.ablation, ...withoutUndefined(given.ablation) },
    eraseAsYouTrain: given.eraseAsYouTrain,
    device: chooseDevice(given.device).name,
    open:
      given.open ??
      openNative(given.threads, given.precision === undefined ? {} : { precision: given.precision }),
    skipCorrupt: given.skipCorrupt,
    signal: given.signal,
    stop: given.stop,
  };
}

function checkTogether({ loss, smoothing }: Given): void {
  if (loss === null || smoothing === 0) return;
  throw new HalfspaceError(
    'ERR_OPTION',
    `smoothing: expected 0 beside a loss of your own, which may smooth its targets, got ${smoothing}`,
  );
}

/** An option that is given as undefined counts as not given. */
const withoutUndefined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

function chosenSchedule(
  { schedule: given, learningRate, learningRateWarmup }: Given,
  { rule }: Optimizer,
  steps: number,
): Schedule | LearningRate {
  if (typeof given !== 'string') return given;
  return schedule(given, learningRate ?? usualRate[rule], Math.round(learningRateWarmup * steps));
}
