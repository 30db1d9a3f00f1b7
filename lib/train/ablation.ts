// Selection by measurement: take the group whose absence harms the loss least, leave it out, measure
// again, until the target is met. It sees what groups do together, which no score of single groups
// can. A policy over one question, "what is the loss without these groups?", so it knows no device.

import { invariant } from '../errors.js';
import { candidates, isComplete, take, type Selection } from '../search/selection.js';

/** Answers with the loss when all parameters of `groups` are zero. */
export type AblationLoss = (groups: readonly number[]) => Promise<number>;

export interface AblationOptions {
  /** Redundancy scores, highest first, that shortlist the candidates where there are too many. */
  readonly scores: readonly number[];
  /** About how many losses may be measured in all. */
  readonly budget: number;
  /** At most how many groups are taken. */
  readonly rounds: number;
}

/** Below this a round has nothing to compare. */
const smallestShortlist = 2;

/** Completes `selection` greedily by measured loss: the groups taken, in the order they were chosen. */
export async function selectByAblation(
  selection: Selection,
  loss: AblationLoss,
  { scores, budget, rounds }: AblationOptions,
): Promise<readonly number[]> {
  const width = Math.max(smallestShortlist, Math.floor(budget / Math.max(1, rounds)));
  let current = selection;
  while (!isComplete(current)) {
    const groups = shortlist(candidates(current), scores, width);
    invariant(groups.length > 0, 'the selection is incomplete and has no candidate left');
    current = await leastHarmful(
      groups.map((group) => take(current, group)),
      loss,
    );
  }
  return current.taken;
}

/** The `width` candidates of highest score, ties by id, so that the choice is reproducible. */
function shortlist(groups: readonly number[], scores: readonly number[], width: number): readonly number[] {
  const rank = (group: number): number => scores[group] ?? 0;
  return groups.toSorted((a, b) => rank(b) - rank(a) || a - b).slice(0, width);
}

/** The first selection of the lowest loss; a loss that is not a number counts as the worst. */
async function leastHarmful(options: readonly Selection[], loss: AblationLoss): Promise<Selection> {
  let best = options[0] as Selection;
  if (options.length === 1) return best;
  let lowest = Infinity;
  for (const option of options) {
    const measured = await loss(option.taken);
    if (measured < lowest) [best, lowest] = [option, measured];
  }
  return best;
}
