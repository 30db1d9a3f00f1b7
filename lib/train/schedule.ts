// Learning-rate schedules as pure functions of the step. Warm-up is linear and comes before the
// schedule proper, which then runs over the steps that are left. No state, no device.

import { HalfspaceError } from '../errors.js';
import { lookUp } from '../suggest.js';

/** How the learning rate moves over a run; plain data, so that it can be written to a file. */
export type Schedule = {
  /** The highest learning rate. */
  readonly rate: number;
  /** Steps of linear warm-up; step s of them uses rate * (s + 1) / warmup. */
  readonly warmup: number;
} & ScheduleShape;

/** What the rate does after warm-up. */
export type ScheduleShape =
  | { readonly kind: 'constant' }
  /** rate * factor^k after k of the milestones, which are fractions of the steps after warm-up. */
  | { readonly kind: 'step'; readonly milestones: readonly number[]; readonly factor: number }
  /** Half a cosine from rate down to floor * rate. */
  | { readonly kind: 'cosine'; readonly floor: number };

/** A schedule of one's own: the learning rate of `step` (0 for the first) in a run of `steps` steps. */
export type LearningRate = (step: number, steps: number) => number;

/** With the usual constants. */
const usual = {
  constant: { kind: 'constant' },
  step: { kind: 'step', milestones: [0.5, 0.75], factor: 0.1 },
  cosine: { kind: 'cosine', floor: 0 },
} as const satisfies Readonly<Record<ScheduleShape['kind'], ScheduleShape>>;

/** The schedules that `schedule` knows by name. */
export const scheduleNames = Object.keys(usual) as readonly ScheduleShape['kind'][];

/** A schedule by name with the usual constants: milestones at 1/2 and 3/4, factor 0.1, floor 0. */
export function schedule(kind: Schedule['kind'], rate: number, warmup = 0): Schedule {
  if (!(rate > 0 && Number.isFinite(rate))) {
    throw new HalfspaceError('ERR_OPTION', `learning rate: expected a positive number, got ${rate}`);
  }
  return { ...lookUp<ScheduleShape>(usual, kind, 'schedule'), rate, warmup };
}

/**
 * The learning rate of `step` (0 for the first) in a run of `steps` steps. Throws ERR_OPTION where a function
 * gives no rate.
 */
export function learningRate(schedule: Schedule | LearningRate, step: number, steps: number): number {
  if (typeof schedule === 'function') return checkedRate(schedule(step, steps), step);
  const { rate, warmup } = schedule;
  if (step < warmup) return (rate * (step + 1)) / warmup;
  return rate * factor(schedule, (step - warmup) / Math.max(1, steps - warmup));
}

function checkedRate(rate: number, step: number): number {
  if (Number.isFinite(rate) && rate >= 0) return rate;
  throw new HalfspaceError(
    'ERR_OPTION',
    `schedule: expected a learning rate, 0 or more, for step ${step}, got ${rate}`,
  );
}

/** What the rate is multiplied by at `progress` (0 ... 1) of the steps after warm-up. */
function factor(schedule: Schedule, progress: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'step':
      return schedule.factor ** schedule.milestones.filter((milestone) => progress >= milestone).length;
    case 'cosine':
      return schedule.floor + ((1 - schedule.floor) * (1 + Math.cos(Math.PI * progress))) / 2;
  }
}
