// The cheapest sub-network that can be found, for targets that are budgets. Exact minima are out of reach
// in general (losing one way to the output makes another dearer or cheaper), so this searches best effort
// and is trusted only with what it has in hand: a valid set and its cost.

import { nodeMacs } from '../graph.js';
import { costWithout, type Cost } from './cost.js';
import { extend, type Weights } from './maximal.js';
import type { SearchSpace } from './space.js';
import type { Taken } from './states.js';

export interface Bargain {
  /** A valid set of groups. */
  readonly set: Taken;
  /** Cost of what is left without it. */
  readonly cost: number;
}

/**
 * A valid set with all of `fixed`, as cheap as is found; the search ends early at `limit` or after
 * `attempts` times looking for another way to the outputs. Null where no valid set is found.
 */
export function findCheapest(
  space: SearchSpace,
  kind: keyof Cost,
  fixed: Taken,
  limit: number,
  attempts: number,
): Bargain | null {
  const weightings = [groupWeights(space, kind), new Float64Array(space.groups.length).fill(1)];
  const open = [fixed];
  const seen = new Set<string>();
  let best: Bargain | null = null;
  // Breadth first over groups that must go: each way found is barred at each of its groups in turn.
  for (let next = 0; next < Math.min(open.length, attempts); next += 1) {
    const barred = open[next] as Taken;
    for (const weights of weightings) {
      const found = bargain(space, kind, barred, weights);
      if (!found) continue;
      if (!best || found.cost < best.cost) best = found;
      if (best.cost <= limit) return best;
      open.push(...barrings(barred, found.set, seen));
    }
  }
  return best;
}

function bargain(
  { skeleton }: SearchSpace,
  kind: keyof Cost,
  barred: Taken,
  weights: Weights,
): Bargain | null {
  const set = extend(skeleton, barred, weights);
  return set && { set, cost: costWithout(skeleton, set)[kind] };
}

/** `barred` with one group more that `set` had to keep, for each such group; none that was `seen`. */
function barrings(barred: Taken, set: Taken, seen: Set<string>): readonly Taken[] {
  const kept = [...set.keys()].filter((group) => !set[group]);
  return kept
    .map((group) => barred.with(group, 1))
    .filter((next) => {
      const key = next.join('');
      return !seen.has(key) && seen.add(key);
    });
}

/** What a group itself costs; one unit more, so that free ones are not kept for nothing. */
function groupWeights({ groups, segments }: SearchSpace, kind: keyof Cost): Float64Array {
  return Float64Array.from(groups, (group) => {
    if (kind === 'params') return 1 + group.params;
    const nodes = group.segments.flatMap((id) => segments[id]?.nodes ?? []);
    return 1 + nodes.reduce((sum, node) => sum + nodeMacs(node), 0);
  });
}
