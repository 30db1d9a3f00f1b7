// Selection against enumeration: on small random networks every set of groups is tried, which tells what
// is possible at all. Selection must reach all of it and refuse the rest.

import test from 'ava';
import fc from 'fast-check';
import { HalfspaceError } from '../lib/errors.js';
import type { Graph } from '../lib/graph.js';
import { random } from '../lib/random.js';
import { costWithout } from '../lib/search/cost.js';
import {
  beginSelection,
  candidates,
  isComplete,
  selectByScore,
  setOf,
  take,
  type Selection,
  type Target,
} from '../lib/search/selection.js';
import { searchSpace, type SearchSpace } from '../lib/search/space.js';
import { isValid } from '../lib/search/validity.js';
import { networks, type NetworkOptions } from './random-networks.js';

const RUNS = Number(process.env['HALFSPACE_PROPERTY_RUNS'] ?? 100);
/** Sets are enumerated up to this many groups. */
const ENUMERABLE = 9;

const countOf = (count: number): Target => ({ kind: 'count', count });
const listOf = (bits: number, groups: number): readonly number[] =>
  Array.from({ length: groups }, (_, group) => group).filter((group) => (bits >> group) & 1);

/** All valid sets of groups. */
function enumerateValid(space: SearchSpace): readonly (readonly number[])[] {
  const count = space.groups.length;
  return Array.from({ length: 2 ** count }, (_, bits) => listOf(bits, count)).filter((groups) =>
    isValid(space.skeleton, setOf(space, groups)),
  );
}

const randomScores = (space: SearchSpace, seed: number): readonly number[] => {
  const stream = random(seed);
  return space.groups.map(() => stream.uniform());
};

/** What a walk selects, or null where the target is refused. */
function attempt(space: SearchSpace, target: Target, seed: number): readonly number[] | null {
  try {
    return selectByScore(space, target, randomScores(space, seed));
  } catch (error) {
    if (error instanceof HalfspaceError && error.code === 'ERR_TARGET') return null;
    throw error;
  }
}

function forEachNetwork(
  options: NetworkOptions,
  check: (space: SearchSpace, seed: number, graph: Graph) => void,
): void {
  fc.assert(
    fc.property(networks(options), fc.nat(), ({ graph }, seed) => {
      const space = searchSpace(graph);
      fc.pre(space.groups.length <= ENUMERABLE);
      check(space, seed, graph);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
}

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

function checkCounts(space: SearchSpace, seed: number): void {
  const sizes = new Set(enumerateValid(space).map((groups) => groups.length));
  expect(space.maxRemovable === Math.max(...sizes), `${space.maxRemovable} of at most ${Math.max(...sizes)}`);
  for (let count = 0; count <= space.groups.length; count += 1) {
    const selected = attempt(space, countOf(count), seed + count);
    expect(
      (selected !== null) === sizes.has(count),
      `${count}: possible ${sizes.has(count)}, got ${selected?.join()}`,
    );
    if (!selected) continue;
    expect(new Set(selected).size === count, `${count}: selected ${selected.join()}`);
    expect(isValid(space.skeleton, setOf(space, selected)), `${count}: ${selected.join()} is not valid`);
  }
}

function checkCandidates(space: SearchSpace, seed: number): void {
  const valid = enumerateValid(space).map((groups) => new Set(groups));
  const stream = random(seed);
  const count = stream.below(space.maxRemovable + 1);
  if (attempt(space, countOf(count), seed) === null) return;
  let selection = beginSelection(space, countOf(count));
  while (!isComplete(selection)) {
    const open = possible(valid, count, selection);
    const offered = candidates(selection);
    expect(
      offered.join() === open.join(),
      `after ${selection.taken.join()} of ${count}: offered ${offered.join()}, possible ${open.join()}`,
    );
    selection = take(selection, offered[stream.below(offered.length)] as number);
  }
}

/** Groups that some valid set of `count` groups holds beside what is taken. */
const possible = (valid: readonly ReadonlySet<number>[], count: number, { space, taken }: Selection) =>
  space.groups
    .map((group) => group.id)
    .filter((id) => !taken.includes(id))
    .filter((id) =>
      valid.some((set) => set.size === count && [...taken, id].every((group) => set.has(group))),
    );

function checkBudget(kind: 'params' | 'macs'): (space: SearchSpace, seed: number) => void {
  return (space, seed) => {
    const costs = enumerateValid(space).map(
      (groups) => costWithout(space.skeleton, setOf(space, groups))[kind],
    );
    const least = Math.min(...costs);
    for (const limit of [...new Set(costs), least - 1]) {
      const selected = attempt(space, { kind, limit }, seed);
      expect((selected !== null) === limit >= least, `limit ${limit}, least ${least}: ${selected?.join()}`);
      if (!selected) continue;
      const cost = costWithout(space.skeleton, setOf(space, selected))[kind];
      expect(cost <= limit, `limit ${limit}: selected ${selected.join()} costs ${cost}`);
    }
  };
}

const checkBudgets = (space: SearchSpace, seed: number): void => {
  checkBudget('params')(space, seed);
  checkBudget('macs')(space, seed);
};

test('sums and concatenations: whatever count or budget can be met at all is met, by any walk', (t) => {
  t.notThrows(() =>
    forEachNetwork({ jointsOnly: true, length: 8 }, (space, seed) => {
      checkCounts(space, seed);
      checkCandidates(space, seed);
      checkBudgets(space, seed);
    }),
  );
});

test('gates, slices and shared weights: whatever count can be met at all is met, by any walk', (t) => {
  t.notThrows(() =>
    forEachNetwork({ length: 8 }, (space, seed) => {
      checkCounts(space, seed);
      checkCandidates(space, seed);
    }),
  );
});

test('several outputs: whatever count can be met at all is met, by any walk', (t) => {
  t.notThrows(() =>
    forEachNetwork({ length: 8, outputs: 3 }, (space, seed) => {
      checkCounts(space, seed);
      checkCandidates(space, seed);
    }),
  );
});
