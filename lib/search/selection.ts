// Hierarchical selection: groups are taken one by one, each only if the target can still be met by a
// valid sub-network. Every selection carries the proof: a `goal`, a valid set that contains all that is
// taken and meets the target exactly. So a walk never paints itself into a corner: as long as it is not
// complete, at least the rest of its goal may be taken.

import { HalfspaceError, invariant } from '../errors.js';
import { findCheapest } from './cheapest.js';
import { costOf } from './cost.js';
import { upperBound } from './maximal.js';
import { sizeOf, type Taken } from './states.js';
import { closure, evaluate, isValid } from './validity.js';
import type { Skeleton } from './skeleton.js';
import type { SearchSpace } from './space.js';
import { largeSets } from './ways.js';

/** How much to remove: groups, or what the constructed sub-network may cost at most. */
export type Target =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'fraction'; readonly fraction: number }
  | { readonly kind: 'params'; readonly limit: number }
  | { readonly kind: 'macs'; readonly limit: number };

/** Ways to the outputs that are tried before a budget is refused. */
const ATTEMPTS = 400;

type Exact = Extract<Target, { kind: 'count' }>;
type Budget = Extract<Target, { kind: 'params' | 'macs' }>;

export interface Selection {
  readonly space: SearchSpace;
  readonly target: Exact | Budget;
  /** Groups in the order in which they were taken. */
  readonly taken: readonly number[];
  /** A valid set with all that is taken, which meets the target: 1 at each of its groups. */
  readonly goal: Taken;
  /** Whether what is taken meets the target by itself. */
  readonly complete: boolean;
}

/** Nothing taken yet; throws ERR_TARGET where the target cannot be met. */
export function beginSelection(space: SearchSpace, target: Target): Selection {
  const resolved = resolve(space, target);
  const none = new Uint8Array(space.groups.length);
  const goal = findGoal(space, resolved, none, ATTEMPTS);
  if (!goal) throw new HalfspaceError('ERR_TARGET', refusal(space, resolved));
  return { space, target: resolved, taken: [], goal, complete: meets(space, resolved, none) };
}

export const isComplete = (selection: Selection): boolean => selection.complete;

/** The groups that may be taken next: the target stays within reach. None when complete. */
export const candidates = (selection: Selection): readonly number[] =>
  selection.space.groups.map((group) => group.id).filter((id) => tryTake(selection, id) !== null);

/** Takes a group, and whatever must go with it; throws ERR_TARGET where that is not possible. */
export function take(selection: Selection, group: number): Selection {
  const next = tryTake(selection, group);
  if (next) return next;
  throw new HalfspaceError(
    'ERR_TARGET',
    `group ${group} cannot be taken after ${JSON.stringify(selection.taken)}: no valid sub-network that ` +
      `meets the target is left`,
  );
}

/** Takes a group if the target stays within reach; null otherwise. */
export function tryTake(selection: Selection, group: number): Selection | null {
  const { space, target, taken, goal, complete } = selection;
  if (complete || taken.includes(group) || group < 0 || group >= space.groups.length) return null;
  const wanted = setOf(space, [...taken, group]);
  const closed = closure(space.skeleton, wanted);
  if (closed && fits(target, closed)) {
    const next = includes(goal, closed)
      ? goal
      : (swap(selection, closed) ?? findGoal(space, target, closed, 2));
    if (next) return advance(selection, group, closed, next);
  }
  if (goal[group]) return advance(selection, group, wanted, goal);
  const next = fits(target, wanted) ? findGoal(space, target, wanted, 2) : null;
  return next && advance(selection, group, wanted, next);
}

/** Walks the groups from the highest score to the lowest and takes what may be taken, until complete. */
export function selectByScore(
  space: SearchSpace,
  target: Target,
  scores: readonly number[],
): readonly number[] {
  invariant(
    scores.length === space.groups.length,
    `${scores.length} scores for ${space.groups.length} groups`,
  );
  let selection = beginSelection(space, target);
  const order = rank(scores);
  // A group that was skipped may fit later; each round takes at least one of the goal.
  while (!isComplete(selection)) {
    const before = selection.taken.length;
    for (const group of order) {
      if (isComplete(selection)) break;
      selection = tryTake(selection, group) ?? selection;
    }
    invariant(selection.taken.length > before, 'the selection stalled before its goal');
  }
  return selection.taken;
}

/** Highest score first; equal ones in order of id, NaN last. */
function rank(scores: readonly number[]): readonly number[] {
  const key = scores.map((score) => (Number.isNaN(score) ? -Infinity : score));
  return [...key.keys()].toSorted((a, b) =>
    key[a] === key[b] ? a - b : (key[b] as number) > (key[a] as number) ? 1 : -1,
  );
}

function resolve(space: SearchSpace, target: Target): Exact | Budget {
  if (target.kind !== 'fraction') return target;
  return { kind: 'count', count: Math.round(target.fraction * space.groups.length) };
}

export function setOf(space: SearchSpace, groups: readonly number[]): Taken {
  const set = new Uint8Array(space.groups.length);
  for (const group of groups) set[group] = 1;
  return set;
}

const includes = (set: Taken, part: Taken): boolean => part.every((flag, group) => !flag || set[group] === 1);

const fits = (target: Exact | Budget, set: Taken): boolean =>
  target.kind !== 'count' || sizeOf(set) <= target.count;

function advance(selection: Selection, group: number, set: Taken, goal: Taken): Selection {
  const along = [...set.keys()].filter((g) => set[g] && g !== group && !selection.taken.includes(g));
  const complete = meets(selection.space, selection.target, set);
  return { ...selection, taken: [...selection.taken, group, ...along], goal, complete };
}

/** A goal near the present one that contains `closed`; cheap, and it mostly works. */
function swap({ space, target, goal }: Selection, closed: Taken): Taken | null {
  const union = goal.map((flag, group) => flag | (closed[group] as number));
  const surplus = target.kind === 'count' ? sizeOf(union) - target.count : 0;
  const next = dropNearestInput(space.skeleton, union, closed, surplus);
  return meets(space, target, next) ? next : null;
}

/** Takes `count` groups that are not `fixed` out of a set, those nearest to the input first. */
function dropNearestInput(skeleton: Skeleton, set: Taken, fixed: Taken, count: number): Taken {
  const result = set.slice();
  for (const group of fromInput(skeleton, set, fixed).slice(0, Math.max(0, count))) result[group] = 0;
  return result;
}

/** Groups of a set that are not `fixed`, nearest to the input first. */
const fromInput = ({ position }: Skeleton, set: Taken, fixed: Taken): readonly number[] =>
  [...set.keys()]
    .filter((group) => set[group] && !fixed[group])
    .toSorted((a, b) => (position[a] as number) - (position[b] as number));

function meets(space: SearchSpace, target: Exact | Budget, set: Taken): boolean {
  if (target.kind === 'count' && sizeOf(set) !== target.count) return false;
  const evaluation = evaluate(space.skeleton, set);
  if (evaluation.violations.length > 0) return false;
  return target.kind === 'count' || costOf(space.skeleton, evaluation)[target.kind] <= target.limit;
}

/** A valid set that contains `fixed` and meets the target, or null where none is found. */
function findGoal(space: SearchSpace, target: Exact | Budget, fixed: Taken, attempts: number): Taken | null {
  if (target.kind === 'count') return findExact(space, target.count, fixed);
  const best = findCheapest(space, target.kind, fixed, target.limit, attempts);
  return best && best.cost <= target.limit ? best.set : null;
}

/** A valid set of exactly `count` groups that contains `fixed`, or null where none is found. */
function findExact(space: SearchSpace, count: number, fixed: Taken): Taken | null {
  const { skeleton } = space;
  if (upperBound(skeleton, fixed) < count) return null;
  for (const most of largeSets(skeleton, fixed)) {
    if (sizeOf(most) < count) continue;
    const next = dropNearestInput(skeleton, most, fixed, sizeOf(most) - count);
    const found = isValid(skeleton, next) ? next : shrink(space, count, most, fixed);
    if (found) return found;
  }
  return grow(skeleton, count, fixed);
}

/** Gives groups back one at a time, staying valid, until `count` are left. */
function shrink(space: SearchSpace, count: number, set: Taken, fixed: Taken): Taken | null {
  const result = set.slice();
  let size = sizeOf(result);
  for (let before = Infinity; size > count && size < before;) {
    before = size;
    for (const group of fromInput(space.skeleton, result, fixed)) {
      if (size === count) break;
      result[group] = 0;
      if (isValid(space.skeleton, result)) size -= 1;
      else result[group] = 1;
    }
  }
  return size === count ? result : null;
}

/** Takes groups one at a time, each with what must go along, until there are `count`. */
function grow(skeleton: Skeleton, count: number, fixed: Taken): Taken | null {
  let result = closure(skeleton, fixed);
  for (const group of fixed.keys()) {
    if (!result || sizeOf(result) >= count) break;
    const next = result[group] ? null : closure(skeleton, result.with(group, 1));
    if (next && sizeOf(next) <= count) result = next;
  }
  return result && sizeOf(result) === count ? result : null;
}

/** Why a target is refused, with the nearest one that is possible. */
function refusal(space: SearchSpace, target: Exact | Budget): string {
  if (target.kind === 'count') {
    const known = `the largest possible number is ${space.maxRemovable} of ${space.groups.length}`;
    return target.count > space.maxRemovable
      ? `cannot remove ${target.count} segments: ${known}`
      : `no valid sub-network without exactly ${target.count} segments was found: ${known}`;
  }
  const none = new Uint8Array(space.groups.length);
  const least = findCheapest(space, target.kind, none, target.limit, ATTEMPTS);
  const name = target.kind === 'params' ? 'parameters' : 'multiply-accumulates';
  return `no sub-network has at most ${target.limit} ${name}: the smallest found has ${least?.cost}`;
}
