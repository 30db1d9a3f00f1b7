// Scales and averages of charts, against their definitions.

import fc from 'fast-check';
import test from 'ava';
import { average, drawChart } from '../lib/report/chart.js';
import { formatCount, formatGroups, formatNumber, formatSeconds } from '../lib/report/numbers.js';
import { extent, linearScale } from '../lib/report/scale.js';

test('ticks are multiples of 1, 2 or 5 times a power of ten and few', (t) => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      fc.pre(high - low > 1e-3);
      const { from, to, ticks } = linearScale([low, high], [0, 100]);
      const step = (ticks[1] as number) - (ticks[0] as number);
      const lead = Number(step.toExponential(6).split('e')[0]);
      const tolerance = 1e-6 * step; // of the snap to whole ticks
      return (
        [1, 2, 5, 10].some((factor) => Math.abs(lead - factor) < 1e-4) &&
        ticks.length >= 2 &&
        ticks.length <= 7 &&
        from <= low + tolerance &&
        to >= high - tolerance &&
        ticks.every((tick) => Math.abs(tick / step - Math.round(tick / step)) < 1e-4)
      );
    }),
  );
  t.deepEqual(linearScale([0, 0.97], [0, 100]).ticks, [0, 0.5, 1]);
});

test('a scale maps its ends to the ends of the axis and is straight between', (t) => {
  const scale = linearScale([10, 30], [200, 100], { snap: false });
  t.deepEqual([scale.position(10), scale.position(20), scale.position(30)], [200, 150, 100]);
});

test('a scale of a single value, or of none, still has an extent', (t) => {
  for (const value of [0, 3, -2]) {
    const { from, to } = linearScale(extent([value]), [0, 100]);
    t.true(from <= value && value <= to && from < to, String(value));
  }
  t.deepEqual(extent([]), [0, 1]);
  t.deepEqual(extent([2, NaN, -1, Infinity]), [-1, 2]);
});

/** The drawn points of a line over 0, 1, 2 and so on. */
const pathOf = (values: readonly number[]): string[] => {
  const points = values.map((value, at) => [at, value] as const);
  const common = {
    title: 'spikes',
    range: [0, values.length],
    bands: [],
    marks: [],
    format: String,
    width: 560,
  } as const;
  const series = [{ label: 'line', colour: 'blue', shape: 'line', points }] as const;
  const { markup } = drawChart({ ...common, series });
  return /class="line" d="M(.*?)"/.exec(markup)?.[1]?.split('L') ?? [];
};

/** 0 and 1 in turn, and once 100. */
const spiked = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => (at === 7 ? 100 : at % 2));

test('a curve goes on behind a value that is no number', (t) => {
  t.is(pathOf([3, 2, NaN, 1, Infinity, 0]).length, 4);
  const spikes = pathOf(spiked(100_000).with(0, NaN)).filter((point) => point.endsWith(',30'));
  t.is(spikes.length, 1);
});

test('a curve of many points keeps the outermost of each column, and one of few all', (t) => {
  t.is(pathOf(spiked(500)).length, 500);
  const many = pathOf(spiked(100_000));
  t.true(many.length < 4 * 2 * 560, `${many.length} points`);
  for (const path of [pathOf(spiked(500)), many])
    t.is(path.filter((point) => point.endsWith(',30')).length, 1);
});

test('a moving average weighs the past by powers of its weight', (t) => {
  const values = [3, -1, 4, 1, 5];
  const weight = 0.9;
  values.forEach((_, end) => {
    const weights = values.slice(0, end + 1).map((_, index) => weight ** (end - index));
    const sum = weights.reduce((total, w) => total + w, 0);
    const expected = weights.reduce((total, w, index) => total + (w * (values[index] as number)) / sum, 0);
    t.true(Math.abs((average(values, weight)[end] as number) - expected) < 1e-12);
  });
});

test('groups are written with their segments, and the first of many', (t) => {
  t.is(
    formatGroups([
      { id: 0, segments: [1, 5] },
      { id: 3, segments: [7] },
    ]),
    'group 0 (segments 1, 5), group 3 (segment 7)',
  );
  const many = Array.from({ length: 21 }, (_, id) => ({ id, segments: [id] }));
  t.regex(formatGroups(many), /^group 0 \(segment 0\), .*group 7 \(segment 7\), \.\.\. \(21 in all\)$/);
});

test('quantities are written for people', (t) => {
  t.deepEqual([950, 12_345, 812_345, 1_234_567, 614e6, 999.7e6, 2842e6, 614e9].map(formatCount), [
    '950',
    '12.3 k',
    '812.3 k',
    '1.23 M',
    '614 M',
    '1.00 G',
    '2.84 G',
    '614 G',
  ]);
  t.deepEqual([4.4, 75, 11_520].map(formatSeconds), ['4 s', '1 min 15 s', '3 h 12 min']);
  t.deepEqual([0.1, 0.004_347_826, 2.341_56, 0].map(formatNumber), ['0.1', '0.004348', '2.342', '0']);
});
