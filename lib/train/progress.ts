// What a run reports while it goes on: plain, structured-cloneable events.

import type { Phase } from './policy.js';

/** After every step. */
export interface StepProgress {
  readonly kind: 'step';
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** Number of the running epoch, 1 for the first. */
  readonly epoch: number;
  readonly epochs: number;
  /** Of this step's batch. */
  readonly loss: number;
  /** On the training images of this epoch so far, as augmented. */
  readonly accuracy: number;
  readonly learningRate: number;
  /** `plain` where nothing is to be erased. */
  readonly phase: Phase | 'plain';
  /** Groups that are zero; the target's once the window is over. */
  readonly zeroGroups: number;
  readonly imagesPerSecond: number;
}

/** Before groups are chosen, which may take as long as many steps; again where a run was stopped meanwhile. */
export interface SelectingProgress {
  readonly kind: 'selecting';
  readonly step: number;
}

/** Once, between warm-up and window. */
export interface SelectionProgress {
  readonly kind: 'selection';
  readonly step: number;
  /** Groups that will be erased, in the order they were chosen. */
  readonly groups: readonly number[];
  readonly segments: readonly number[];
  /** Averaged redundancy of all groups, empty where there was no warm-up step. */
  readonly scores: readonly number[];
  /** Of the super-network on the test split at this moment. */
  readonly accuracy: number;
}

/** Once, when the running program has been rebuilt without the erased segments. */
export interface ErasureProgress {
  readonly kind: 'erasure';
  readonly step: number;
  readonly params: number;
  readonly macs: number;
}

/** After every epoch, and at the end of the run. */
export interface EpochProgress {
  readonly kind: 'epoch';
  readonly step: number;
  /** Epochs done; not whole where the run ends within one. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Seconds of training so far. */
  readonly seconds: number;
}

/** What a run tells while it goes on; `kind` says which. */
export type Progress = StepProgress | SelectingProgress | SelectionProgress | ErasureProgress | EpochProgress;
