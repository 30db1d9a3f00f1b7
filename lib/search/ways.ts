// Other largest sets, for when the first one found does not serve: each set keeps some way to the outputs,
// and barring a group on that way brings up another.

import { extend, saturate, upperBound, type Weights } from './maximal.js';
import type { Skeleton } from './skeleton.js';
import { sizeOf, type Taken } from './states.js';

/**
 * Valid sets with all of `fixed`, as `extend` finds them for each of the `weightings` in about so many
 * `attempts`; breadth first over the groups that are barred from being kept, those of a way that ended
 * nowhere as well.
 */
export function* otherWays(
  skeleton: Skeleton,
  fixed: Taken,
  weightings: readonly Weights[],
  attempts: number,
): Generator<Taken, void> {
  const open = [fixed];
  const seen = new Set([fixed.join('')]);
  for (let next = 0; next < open.length && next * weightings.length < attempts; next += 1) {
    const barred = open[next] as Taken;
    for (const weights of weightings) {
      const { set, valid } = extend(skeleton, barred, weights);
      if (valid) yield set;
      open.push(...barrings(barred, set, seen));
    }
  }
}

/** How many ways to the outputs are looked at for large sets. */
const WAYS = 32;

/** Valid sets with all of `fixed` that nothing can be added to, of a few ways to the outputs. */
export function* largeSets(skeleton: Skeleton, fixed: Taken): Generator<Taken, void> {
  const units = new Float64Array(skeleton.groupCount).fill(1);
  const bound = upperBound(skeleton, fixed);
  for (const set of otherWays(skeleton, fixed, [units], WAYS)) {
    yield sizeOf(set) < bound ? saturate(skeleton, set) : set;
  }
}

/** `barred` with one group more that `set` had to keep, for each such group; none that was `seen`. */
const barrings = (barred: Taken, set: Taken, seen: Set<string>): readonly Taken[] =>
  [...set.keys()]
    .filter((group) => !set[group])
    .map((group) => barred.with(group, 1))
    .filter((next) => {
      const key = next.join('');
      return !seen.has(key) && seen.add(key);
    });
