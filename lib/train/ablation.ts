// Selection by measurement: take the group whose absence harms the loss least, leave it out, measure
// again, until the target is met. It sees what groups do together, which no score of single groups
// can. Where there are too many candidates to measure, the slope of the loss shortlists them. A policy over
// two questions about the network without some groups, so it knows no device.

import { invariant } from '../errors.js';
import { candidates, isComplete, take, type Selection } from '../search/selection.js';

/** Answers while all parameters of `groups` are zero. */
export interface AblationMeasure {
  /** The loss. */
  loss(groups: readonly number[]): Promise<number>;
  /**
   * For every group, x . gradient: by how much the loss would fall, to first order, if the group went too. It
   * compares groups of all kinds: of a gate it is the gate times its derivative, and a branch that ends in a batch norm
   * behaves as if it had a gate behind it, since what the norm rescales has no share in it.
   */
  gain(groups: readonly number[]): Promise<readonly number[]>;
}

export interface AblationOptions {
  /** About how many losses may be measured in all. */
  readonly budget: number;
  /** At most how many groups are taken. */
  readonly rounds: number;
}

/** Below this a round has nothing to compare. */
const smallestShortlist = 2;

/** How often gains are measured afresh in the course of a selection: they change with what is taken. */
const renewals = 16;

/** Completes `selection` greedily by measured loss: the groups taken, in the order they were chosen. */
export async function selectByAblation(
  selection: Selection,
  measure: AblationMeasure,
  { budget, rounds }: AblationOptions,
): Promise<readonly number[]> {
  const width = Math.max(smallestShortlist, Math.floor(budget / Math.max(1, rounds)));
  const period = Math.ceil(rounds / renewals);
  let current = selection;
  let gains: readonly number[] = [];
  for (let round = 0; !isComplete(current); round += 1) {
    const open = candidates(current);
    invariant(open.length > 0, 'the selection is incomplete and has no candidate left');
    const tooMany = open.length > width;
    if (tooMany && (gains.length === 0 || round % period === 0)) gains = await measure.gain(current.taken);
    const groups = tooMany ? shortlist(open, gains, width) : open;
    const options = groups.map((group) => take(current, group));
    current = await leastHarmful(options, (taken) => measure.loss(taken));
  }
  return current.taken;
}

/** The `width` groups of highest gain, ties by id, so that the choice is reproducible. */
function shortlist(groups: readonly number[], gains: readonly number[], width: number): readonly number[] {
  const rank = (group: number): number => gains[group] ?? 0;
  return groups.toSorted((a, b) => rank(b) - rank(a) || a - b).slice(0, width);
}

/** The first option of the lowest loss; a loss that is not a number counts as the worst. */
export async function leastHarmful<T extends { readonly taken: readonly number[] }>(
  options: readonly T[],
  loss: AblationMeasure['loss'],
): Promise<T> {
  let best = options[0] as T;
  if (options.length === 1) return best;
  let lowest = Infinity;
  for (const option of options) {
    const measured = await loss(option.taken);
    if (measured < lowest) [best, lowest] = [option, measured];
  }
  return best;
}
