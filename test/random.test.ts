// The generator: a stream is a function of its seeds, and its numbers are distributed as they say.

import test from 'ava';
import { permutation, random } from '../lib/random.js';

const COUNT = 400_000;

const drawn = (...seeds: readonly number[]): Float64Array => {
  const stream = random(...seeds);
  return new Float64Array(COUNT).map(() => stream.normal());
};

/** Share of a standard normal below x, by formula 26.2.17 of Abramowitz and Stegun; off by 7.5e-8 at most. */
function normalBelow(x: number): number {
  if (x < 0) return 1 - normalBelow(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)) * series;
}

/** The largest distance between the shares drawn and the shares expected below any number. */
const kolmogorov = (values: Float64Array, below: (x: number) => number): number =>
  values.toSorted().reduce((most, x, index) => Math.max(most, Math.abs(below(x) - (index + 0.5) / COUNT)), 0);

/** What Kolmogorov's statistic exceeds once in a thousand times. */
const unlikely = 1.95 / Math.sqrt(COUNT);

test('normal numbers are standard normal', (t) => {
  for (const seed of [0, 1, 2]) t.true(kolmogorov(drawn(seed), normalBelow) < unlikely);
});

test('normal numbers reach as far as they should, on both sides', (t) => {
  const values = drawn(3);
  for (const bound of [2.5, 3.442619855899, 4]) {
    const expected = COUNT * normalBelow(-bound);
    for (const side of [-1, 1]) {
      const found = values.filter((x) => side * x > bound).length;
      // Four standard deviations of a count.
      t.true(Math.abs(found - expected) < 4 * Math.sqrt(expected), `${found} beyond ${side * bound}`);
    }
  }
});

test('normal numbers do not depend on those before', (t) => {
  const values = drawn(4);
  for (const lag of [1, 2, 3]) {
    const product = values.subarray(lag).reduce((sum, x, index) => sum + x * (values[index] as number), 0);
    // A sum of products of independent numbers has the standard deviation sqrt(COUNT).
    t.true(Math.abs(product) < 4 * Math.sqrt(COUNT));
  }
});

test('uniform numbers are uniform', (t) => {
  const stream = random(5);
  const values = new Float64Array(COUNT).map(() => stream.uniform());
  t.true(values.every((x) => x >= 0 && x < 1));
  t.true(kolmogorov(values, (x) => x) < unlikely);
});

const first = (...seeds: readonly number[]): number => random(...seeds).normal();

test('a stream depends on all its seeds, in order, and on nothing else', (t) => {
  t.is(first(1, 2), first(1, 2));
  t.is(new Set([first(), first(1), first(1, 2), first(2, 1), first(1, 2, 0), first(1 + 2 ** 32)]).size, 6);
});

test('a permutation holds every place once', (t) => {
  const order = permutation(1000, random(6));
  t.deepEqual(
    [...order].toSorted((a, b) => a - b),
    [...Array(1000).keys()],
  );
  t.notDeepEqual([...order], [...Array(1000).keys()]);
});
