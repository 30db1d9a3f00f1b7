// The H2SPG policy as a pure state machine: warm-up, selection, window, frozen. It is told statistics
// and answers with ceilings; it knows no device, no graph and no optimizer.
//
//   step          0 ........ warmup ........ windowEnd ........ steps
//   phase         warm-up    window          frozen
//   ceilings      Infinity   ramp to zero    0 for taken groups
//
// The ramp makes the target certain: a taken group's norm is held at or below a line that starts at
// its norm at selection and is exactly zero in the last step of the window.

import { HalfspaceError } from '../errors.js';
import type { GroupStatistics, Score } from './scores.js';

/** When things happen, in steps. Selection is before step `warmup`. */
export interface Plan {
  readonly warmup: number;
  readonly windowEnd: number;
  readonly steps: number;
}

/** Shares of the run; the window is where the taken groups shrink to zero. */
export interface PlanOptions {
  /** Share of the steps before selection, 1/6 by default. */
  readonly warmup?: number;
  /** Share of the steps at which the taken groups are zero, 1/3 by default. */
  readonly window?: number;
}

/** Where a run stands: before its groups are chosen, while they shrink, or when they are zero. */
export type Phase = 'warm-up' | 'window' | 'frozen';

/** A group that shall become zero, and its norm when it was chosen. */
export interface TakenGroup {
  readonly group: number;
  readonly norm: number;
}

/** All that the policy remembers between steps; plain data. */
export interface PolicyState {
  /** Averaged redundancy scores; empty before the first step. */
  readonly scores: readonly number[];
  /** Null before selection. */
  readonly taken: readonly TakenGroup[] | null;
}

export const initialPolicy: PolicyState = { scores: [], taken: null };

/** Lays out a run of `steps` steps. The window has at least one step, so even a run of one completes. */
export function plan(steps: number, { warmup = 1 / 6, window = 1 / 3 }: PlanOptions = {}): Plan {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new HalfspaceError('ERR_OPTION', `steps: expected a positive whole number, got ${steps}`);
  }
  if (!(warmup >= 0 && warmup < window && window <= 1)) {
    throw new HalfspaceError(
      'ERR_OPTION',
      `the window must end after warm-up and within the run: expected 0 <= warmup < window <= 1, ` +
        `got warmup ${warmup} and window ${window}`,
    );
  }
  const start = Math.min(steps - 1, Math.round(steps * warmup));
  return { warmup: start, windowEnd: Math.max(start + 1, Math.round(steps * window)), steps };
}

export function phaseAt(plan: Plan, step: number): Phase {
  if (step < plan.warmup) return 'warm-up';
  return step < plan.windowEnd ? 'window' : 'frozen';
}

/** Share of the way to zero that a taken group has gone after `step`: 0 before selection, then to 1. */
export function rampProgress(plan: Plan, step: number): number {
  const done = (step + 1 - plan.warmup) / (plan.windowEnd - plan.warmup);
  return Math.min(1, Math.max(0, done));
}

/** Takes in one warm-up step: s = weight * s + (1 - weight) * s_t, starting from the first s_t. */
export function observe(
  state: PolicyState,
  score: Score,
  groups: readonly GroupStatistics[],
  weight: number,
): PolicyState {
  const current = score(groups);
  const scores = current.map((value, index) => {
    const average = state.scores[index] ?? value;
    return weight * average + (1 - weight) * value;
  });
  return { ...state, scores };
}

/** Fixes the choice; `norms` are those of all groups at this moment. */
export function select(state: PolicyState, groups: readonly number[], norms: readonly number[]): PolicyState {
  return { ...state, taken: groups.map((group) => ({ group, norm: norms[group] as number })) };
}

/** The `ceilings` vector of one step for `count` groups. */
export function ceilings(plan: Plan, state: PolicyState, step: number, count: number): Float64Array {
  const vector = new Float64Array(count).fill(Infinity);
  const left = 1 - rampProgress(plan, step);
  // At the end zero is meant exactly, whatever the norm: Infinity * 0 would not be.
  for (const { group, norm } of state.taken ?? []) vector[group] = left > 0 ? left * norm : 0;
  return vector;
}
