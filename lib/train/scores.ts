// Redundancy scores: how dispensable each group looks, from the statistics that the update kernel
// returns after every step. Pure functions; they are averaged by the policy. The selector that
// measures losses instead of scoring is in ablation.ts.
//
// x is a group's parameters before the step, d the base optimizer's search direction (for plain SGD
// the gradient), size its number of elements.

import { STATISTICS } from '../compile/update.js';
import { HalfspaceError, invariant } from '../errors.js';
import { lookUp } from '../suggest.js';

/** What is known of one group after one step. */
export interface GroupStatistics {
  /** ||x||^2 */
  readonly squaredNorm: number;
  /** x . d */
  readonly slope: number;
  /** ||d||^2 */
  readonly squaredDirection: number;
  /** Number of elements. */
  readonly size: number;
}

/** One number a group from one step; the highest is the most redundant. */
export type Score = (groups: readonly GroupStatistics[]) => readonly number[];

/** Keeps a zero group from dividing by zero, as the formulas of OTOv3 do. */
const tiny = 1e-6;

const norm = (values: readonly number[]): number => Math.hypot(...values);

/** Scaled to norm 1 over all groups; a vector of zeros stays as it is. */
function normalized(values: readonly number[]): readonly number[] {
  const length = norm(values);
  return length > 0 ? values.map((value) => value / length) : values;
}

/** cos(-x, -d): near 1 where a step of descent shrinks the group; 0 where either is zero. */
function cosine({ squaredNorm, slope, squaredDirection }: GroupStatistics): number {
  const product = Math.sqrt(squaredNorm * squaredDirection);
  return product > 0 ? slope / product : 0;
}

const averageMagnitude = ({ squaredNorm, size }: GroupStatistics): number => Math.sqrt(squaredNorm) / size;

/** OTOv3, section 3.3: half the normalised cosine, half the normalised inverse average magnitude. */
const paper: Score = (groups) => {
  const cosines = normalized(groups.map(cosine));
  const inverses = normalized(groups.map((group) => 1 / (averageMagnitude(group) + tiny)));
  return cosines.map((value, index) => 0.5 * value + 0.5 * (inverses[index] as number));
};

/** An importance per group, turned round so that the least important is the most redundant. */
const lessIs =
  (importance: (group: GroupStatistics) => number): Score =>
  (groups) =>
    normalized(groups.map(importance)).map((value) => -value);

/** The scores that need no loss measured: the paper's, and the saliencies of HESSO (arXiv 2409.09085). */
export type ScoreName = 'paper' | 'magnitude' | 'average-magnitude' | 'cosine' | 'taylor1' | 'taylor2';

const scores = {
  paper,
  /** ||x|| */
  magnitude: lessIs((group) => Math.sqrt(group.squaredNorm)),
  /** ||x|| / size */
  'average-magnitude': lessIs(averageMagnitude),
  /** cos(-x, -d) */
  cosine: (groups) => groups.map(cosine),
  /** First-order Taylor change of the loss when the group goes: |x . d| */
  taylor1: lessIs((group) => Math.abs(group.slope)),
  /** Second-order, the Hessian approximated by d d^T: (x . d)^2 / 2 */
  taylor2: lessIs((group) => group.slope ** 2 / 2),
} as const satisfies Readonly<Record<ScoreName, Score>>;

export const scoreNames = Object.keys(scores) as readonly ScoreName[];

/** What a run can select by: losses that it measures, or a score. */
export type SelectorName = ScoreName | 'ablation';

/** The ways to judge redundancy that `score` takes by name. */
export const selectorNames: readonly SelectorName[] = ['ablation', ...scoreNames];

/** A score by name; throws ERR_OPTION for an unknown one. */
export const score = (name: string): Score => lookUp<Score>(scores, name, 'score');

/** A score of the user's own, which throws ERR_OPTION unless it gives one number a group. */
export const checkedScore =
  (own: Score): Score =>
  (groups) => {
    const values = own(groups);
    if (values.length === groups.length && values.every(Number.isFinite)) return values;
    throw new HalfspaceError(
      'ERR_OPTION',
      `score: expected a finite number for each of ${groups.length} groups, got [${values.join(', ')}]`,
    );
  };

/** Reads the `statistics` matrix of the update kernel, one row a group. */
export function groupStatistics(matrix: ArrayLike<number>, sizes: readonly number[]): GroupStatistics[] {
  const columns = STATISTICS.length;
  invariant(
    matrix.length >= sizes.length * columns,
    `statistics have ${matrix.length} numbers for ${sizes.length} groups`,
  );
  return sizes.map((size, group) => {
    const at = (column: (typeof STATISTICS)[number]): number =>
      matrix[group * columns + STATISTICS.indexOf(column)] as number;
    return {
      squaredNorm: at('squaredNorm'),
      slope: at('slope'),
      squaredDirection: at('squaredDirection'),
      size,
    };
  });
}
