// What a search does where it is not told. Plain data that loads nothing, so that help can show it.

import type { Optimizer } from './optimizer.js';
import type { SearchOptions } from './options.js';

export const defaults = {
  target: null,
  gates: false,
  epochs: 12,
  batch: 64,
  seed: 0,
  optimizer: 'sgd',
  schedule: 'cosine',
  learningRateWarmup: 0.05,
  loss: null,
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

/** Highest learning rates: OTOv3's for sgd, the optimizers' papers' for the others. */
export const usualRate: Readonly<Record<Optimizer['rule'], number>> = { sgd: 0.1, adam: 1e-3, adamw: 1e-3 };
