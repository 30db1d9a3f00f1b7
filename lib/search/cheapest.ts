// The cheapest sub-network that can be found, for targets that are budgets. Exact minima are out of reach
// in general (losing one way to the output makes another dearer or cheaper), so this searches best effort
// and is trusted only with what it has in hand: a valid set and its cost.

import { nodeMacs } from '../graph.js';
import { costWithout, type Cost } from './cost.js';
import type { SearchSpace } from './space.js';
import type { Taken } from './states.js';
import { otherWays } from './ways.js';

export interface Bargain {
  /** A valid set of groups. */
  readonly set: Taken;
  /** Cost of what is left without it. */
  readonly cost: number;
}

/**
 * A valid set with all of `fixed`, as cheap as is found; the search ends early at `limit`, or after
 * `attempts` sets looked at. Null where no valid set is found.
 */
export function findCheapest(
  space: SearchSpace,
  kind: keyof Cost,
  fixed: Taken,
  limit: number,
  attempts: number,
): Bargain | null {
  const weightings = [groupWeights(space, kind), new Float64Array(space.groups.length).fill(1)];
  let best: Bargain | null = null;
  for (const set of otherWays(space.skeleton, fixed, weightings, attempts)) {
    const cost = costWithout(space.skeleton, set)[kind];
    if (!best || cost < best.cost) best = { set, cost };
    if (best.cost <= limit) break;
  }
  return best;
}

/** What a group itself costs; one unit more, so that free ones are not kept for nothing. */
function groupWeights({ groups, segments }: SearchSpace, kind: keyof Cost): Float64Array {
  return Float64Array.from(groups, (group) => {
    if (kind === 'params') return 1 + group.params;
    const nodes = group.segments.flatMap((id) => segments[id]?.nodes ?? []);
    return 1 + nodes.reduce((sum, node) => sum + nodeMacs(node), 0);
  });
}
