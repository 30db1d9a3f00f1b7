// Line charts over the steps of a run, as SVG with a caption that is their legend. Knows nothing of runs.
// Values show on hover through native titles, so no script is needed.

import { element, round, type Content, type Markup } from './markup.js';
import { extent, linearScale, type Scale } from './scale.js';

export type Colour = 'blue' | 'orange' | 'green' | 'purple';

type Point = readonly [x: number, y: number];

export interface Series {
  readonly label: string;
  readonly colour: Colour;
  /** `steps` holds a value to the next. */
  readonly shape: 'line' | 'dots' | 'steps';
  readonly points: readonly Point[];
  /** Weight of the past in a moving average; the raw points are then drawn faintly. */
  readonly smooth?: number;
}

/** A stretch of the horizontal axis. */
export interface Band {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

/** A moment. */
export interface Mark {
  readonly label: string;
  readonly at: number;
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  /** Ends of the horizontal axis. */
  readonly range: readonly [number, number];
  readonly bands: readonly Band[];
  readonly marks: readonly Mark[];
  readonly format: (value: number) => string;
  /** Values that the vertical axis must hold. */
  readonly include?: readonly number[];
  /** Of the drawing, in pixels; it is scaled to the column that it stands in. */
  readonly width: number;
}

const height = 230;
const [left, top, bottom] = [48, 30, 206];
const rightMargin = 10;
/** The phases are named in a strip above the curves. */
const strip = 16;

/** At most so many values show on hover. */
const mostReadouts = 120;

interface Axes {
  readonly x: Scale;
  readonly y: Scale;
  /** Where the curves end. */
  readonly right: number;
}

/** Charts are scaled to their column, but never so far that their text cannot be read. */
export const chartAttributes = (title: string, width: number, height: number) => ({
  class: 'chart',
  viewBox: `0 0 ${width} ${height}`,
  style: `min-width:${0.8 * width}px`,
  role: 'img',
  'aria-label': title,
});

/** Points that are not finite are left out, and so are series without others. */
export function drawChart(chart: Chart): Markup {
  const { title, width, bands, marks } = chart;
  const series = chart.series.map(finite).filter(({ points }) => points.length > 0);
  const axes = axesOf(chart, series);
  const drawing = element('svg', chartAttributes(title, width, height), [
    bands.map((band, index) => drawBand(band, index, axes)),
    horizontals(axes, chart.format),
    verticals(axes),
    series.map((one) => drawSeries(one, axes)),
    marks.map((mark, index) => drawMark(mark, index, axes)),
    readouts(series, chart, axes),
  ]);
  return element('figure', {}, element('figcaption', {}, title, series.map(legendEntry)), drawing);
}

const finite = (series: Series): Series => ({
  ...series,
  points: series.points.filter(([, y]) => Number.isFinite(y)),
});

function axesOf({ range, width, include = [] }: Chart, series: readonly Series[]): Axes {
  const right = width - rightMargin;
  const values = series.flatMap(essential);
  return {
    x: linearScale(range, [left, right], { count: width / 90, snap: false }),
    y: linearScale(extent([...values, ...include]), [bottom, top]),
    right,
  };
}

/** What the vertical axis makes room for: of noisy values all but the outermost hundredth. */
function essential({ points, smooth }: Series): readonly number[] {
  const values = points.map(([, y]) => y);
  if (smooth === undefined || values.length < 100) return values;
  const cut = Math.floor(values.length / 100);
  return [...values.toSorted((a, b) => a - b).slice(cut, -cut), ...average(values, smooth)];
}

const legendEntry = ({ label, colour, shape }: Series): Markup =>
  element('span', {}, element('i', { class: `${colour} ${shape}` }), label);

function drawBand({ label, from, to }: Band, index: number, { x }: Axes): Content {
  const [start, width] = [x.position(from), x.position(to) - x.position(from)];
  const side = index % 2 === 0 ? 'even' : 'odd';
  const place = { x: start, y: top - strip, width, height: bottom - top + strip };
  const middle = { x: start + width / 2, y: top - 5 };
  return [
    element('rect', { class: `band ${side}`, ...place }),
    width > 5.5 * label.length && element('text', { class: 'middle', ...middle }, label),
  ];
}

const horizontals = ({ y, right }: Axes, format: (value: number) => string): Content =>
  y.ticks.map((tick) => {
    const at = y.position(tick);
    return [
      element('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }),
      element('text', { class: 'end', x: left - 6, y: at + 4 }, format(tick)),
    ];
  });

const verticals = ({ x }: Axes): Content =>
  x.ticks.map((tick) => element('text', { class: 'middle', x: x.position(tick), y: bottom + 16 }, tick));

function drawSeries(series: Series, axes: Axes): Markup {
  const { colour, shape, points, smooth } = series;
  if (shape === 'dots') return element('g', { class: colour }, drawDots(points, axes));
  const faint = smooth !== undefined && element('path', { class: 'faint', d: path(points, axes, false) });
  const d = path(smoothed(series), axes, shape === 'steps');
  return element('g', { class: colour }, faint, element('path', { class: 'line', d }));
}

const drawDots = (points: Series['points'], { x, y }: Axes): Content =>
  points.map(([px, py]) => element('circle', { class: 'dot', cx: x.position(px), cy: y.position(py), r: 4 }));

function smoothed({ points, smooth }: Series): Series['points'] {
  if (smooth === undefined) return points;
  const values = average(
    points.map(([, y]) => y),
    smooth,
  );
  return points.map(([x], index) => [x, values[index] as number]);
}

/** Values outside of the axis are drawn at its edge. */
function path(points: Series['points'], { x, y }: Axes, steps: boolean): string {
  const parts = visible(points, x).map(([px, py], index) => {
    const across = round(x.position(px));
    const down = round(Math.min(bottom, Math.max(top, y.position(py))));
    if (index === 0) return `M${across},${down}`;
    return steps ? `H${across}V${down}` : `L${across},${down}`;
  });
  return parts.join('');
}

/** Of the points in one column of the drawing, two to a pixel, those that can be seen: first, lowest, highest, last. */
function visible(points: Series['points'], x: Scale): Series['points'] {
  const columns = points.map(([at]) => Math.floor(2 * x.position(at)));
  const seen = new Set<number>();
  for (let start = 0, end = 1; start < points.length; start = end, end += 1) {
    let [low, high] = [start, start];
    for (; columns[end] === columns[start]; end += 1) {
      if (valueAt(points, end) < valueAt(points, low)) low = end;
      if (valueAt(points, end) > valueAt(points, high)) high = end;
    }
    for (const index of [start, Math.min(low, high), Math.max(low, high), end - 1]) seen.add(index);
  }
  return Array.from(seen, (index) => points[index] as Point);
}

const valueAt = (points: Series['points'], index: number): number => (points[index] as Point)[1];

/** Moving average that does not lean to its start: a_t = w a + (1 - w) x, divided by 1 - w^t. */
export function average(values: readonly number[], weight: number): readonly number[] {
  let [sum, total] = [0, 0];
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

function drawMark({ label, at }: Mark, index: number, { x, right }: Axes): Content {
  const across = x.position(at);
  const late = across > (left + right) / 2;
  const place = { x: late ? across - 4 : across + 4, y: top + 10 + 12 * index };
  return [
    element('line', { class: 'mark', x1: across, x2: across, y1: top, y2: bottom }),
    element('text', { class: late ? 'mark-label end' : 'mark-label', ...place }, label),
  ];
}

/** Invisible columns, each titled with what is drawn there. */
function readouts(series: readonly Series[], { range, format }: Chart, { x }: Axes): Content {
  const steps = new Set(series.flatMap(({ points }) => points.map(([at]) => at)));
  const sorted = [...steps].toSorted((a, b) => a - b);
  const chosen = sorted.filter((_, index) => index % Math.ceil(sorted.length / mostReadouts) === 0);
  const borders = chosen.map((at, index) =>
    index === 0 ? range[0] : (at + (chosen[index - 1] as number)) / 2,
  );
  return chosen.map((at, index) => {
    const start = x.position(borders[index] as number);
    const width = Math.max(0, x.position(borders[index + 1] ?? range[1]) - start);
    const lines = series.map(({ label, points }) => `${label}: ${format(latest(points, at))}`);
    const title = element('title', {}, [`step ${at}`, ...lines].join('\n'));
    return element('rect', { class: 'readout', x: start, y: top, width, height: bottom - top }, title);
  });
}

/** The value at `at`, or the last one before. */
const latest = (points: Series['points'], at: number): number =>
  points.findLast(([x]) => x <= at)?.[1] ?? points[0]?.[1] ?? NaN;
