// Selection against enumeration: on small random networks every set of groups is tried, which tells what
// is possible at all. Selection must reach all of it and refuse the rest.

import test from 'ava';
import fc from 'fast-check';
import { HalfspaceError } from '../lib/errors.js';
import type { Graph, Value } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import * as ops from '../lib/ops/index.js';
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
import { constructSubnet } from '../lib/search/subnet.js';
import { isValid } from '../lib/search/validity.js';
import { holds, type NetworkOptions } from './random-networks.js';

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
  holds(options, 50, (graph, seed) => {
    const space = searchSpace(graph);
    fc.pre(space.groups.length <= ENUMERABLE);
    check(space, seed, graph);
  });
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

test('where every branch of a sum can go: whatever count or budget can be met at all is met, by any walk', (t) => {
  t.notThrows(() =>
    forEachNetwork({ jointsOnly: true, gates: true, length: 6 }, (space, seed) => {
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

test('losses that only fail together are steered around', (t) => {
  const net = new Network();
  const x = net.relu(net.input('x', [1, 2, 2, 2]));
  const parts = [1, 2, 1].map((width) => net.conv(x, width, { kernel: 1 }));
  const left = net.apply(ops.split(1, [2, 2]), [net.concat(parts)]); // its parts must not become empty
  const space = searchSpace(net.graph([net.conv(net.concat([net.conv(x, 1), left]), 2)]));
  t.is(space.groups.length, 4);
  t.false(isValid(space.skeleton, setOf(space, [0, 1])));
  t.throws(() => constructSubnet(space, [0, 1]), {
    code: 'ERR_TARGET',
    message: /'concat' cannot lose all these inputs at once/,
  });
  for (let seed = 0; seed < 20; seed += 1) t.notThrows(() => checkCandidates(space, seed));
});

/** Branches of 2, 2 and 1 channels, joined and split into 3 and 2: neither part may become empty, unless both go. */
function splitBranches(net: Network, x: Value): Value {
  const parts = [2, 2, 1].map((width) => net.conv(x, width, { kernel: 1 }));
  return net.apply(ops.split(1, [3, 2]), [net.concat(parts)]);
}

test('a set is found that is met on the way up but not on the way down from a largest one', (t) => {
  const net = new Network();
  const x = net.relu(net.input('x', [1, 2, 2, 2]));
  const joined = net.concat([net.conv(x, 1, { kernel: 1 }), x, splitBranches(net, x)]);
  const space = searchSpace(net.graph([net.conv(joined, 2)]));
  t.is(space.maxRemovable, 4);
  t.deepEqual(candidates(beginSelection(space, countOf(2))), [0, 1, 2, 3]);
  for (let seed = 0; seed < 20; seed += 1) t.notThrows(() => checkCandidates(space, seed));
});

test('where the shortest way to the output leads nowhere, a longer one is found', (t) => {
  const net = new Network();
  const x = net.relu(net.input('x', [1, 2, 2, 2]));
  const split = splitBranches(net, x);
  const long = net.conv(net.add([net.conv(x, 2), net.conv(x, 2)]), 2, { bias: false });
  const space = searchSpace(net.graph([net.conv(net.concat([split, long]), 2)]));
  const early = take(take(beginSelection(space, countOf(3)), 0), 1);
  t.deepEqual(candidates(early), [2]);
  for (let seed = 0; seed < 20; seed += 1) t.notThrows(() => checkCandidates(space, seed));
});

test('a walk takes the highest scores that are possible, and a score that is not a number last', (t) => {
  const net = new Network();
  const x = net.relu(net.input('x', [1, 2, 2, 2]));
  const space = searchSpace(net.graph([net.conv(net.add([1, 2, 3].map(() => net.conv(x, 2))), 2)]));
  t.deepEqual(selectByScore(space, countOf(2), [0.1, NaN, 0.3]), [2, 0]);
  t.deepEqual(selectByScore(space, countOf(1), [1, 1, 1]), [0]);
  t.deepEqual(selectByScore(space, { kind: 'fraction', fraction: 0.6 }, [1, 2, 3]), [2, 1]);
});

test('a target that cannot be met names what can', (t) => {
  const net = new Network();
  const x = net.relu(net.input('x', [1, 2, 2, 2]));
  const sum = net.add([net.conv(x, 2, { kernel: 1 }), net.conv(x, 2, { kernel: 3 })]);
  const space = searchSpace(net.graph([net.conv(sum, 1, { kernel: 1 })]));
  const refused = (target: Target, message: string) =>
    t.throws(() => beginSelection(space, target), { code: 'ERR_TARGET', message });
  refused(countOf(2), 'cannot remove 2 segments: the largest possible number is 1 of 2');
  refused({ kind: 'params', limit: 5 }, 'no sub-network has at most 5 parameters: the smallest found has 9');
  refused(
    { kind: 'macs', limit: 5 },
    'no sub-network has at most 5 multiply-accumulates: the smallest found has 24',
  );
  const done = take(beginSelection(space, countOf(1)), 1);
  t.true(isComplete(done));
  t.deepEqual(candidates(done), []);
  t.throws(() => take(done, 0), { code: 'ERR_TARGET', message: /group 0 cannot be taken after \[1\]/ });
});

test('a group brings along those that would be left as constants', (t) => {
  const net = new Network();
  const x = net.relu(net.input('x', [1, 2, 2, 2]));
  const inner = net.add([net.conv(x, 2, { name: 'a' }), net.conv(x, 2, { name: 'b' })]);
  const space = searchSpace(net.graph([net.add([x, net.conv(inner, 2, { name: 'c' })])]));
  const order = space.groups.map((group) => group.parameters[0]);
  t.deepEqual(order, ['a.weight', 'b.weight', 'c.weight']);
  const first = take(beginSelection(space, countOf(3)), 0);
  t.deepEqual(first.taken, [0]);
  t.deepEqual(take(first, 1).taken, [0, 1, 2]);
  t.deepEqual(selectByScore(space, countOf(2), [3, 2, 1]), [0, 2]);
});
