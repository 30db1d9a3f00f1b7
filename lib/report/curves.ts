// Which curves a run has. All share the steps as horizontal axis, with the phases of the search behind.

import { drawChart, type Band, type Chart, type Mark, type Series } from './chart.js';
import { element, type Content } from './markup.js';
import { formatNumber } from './numbers.js';
import type { RunRecord } from './read-run.js';

/** Weight of the past in smoothed curves: about the last ten points. */
const smooth = 0.9;

/** Fewer points than this say more by themselves. */
const fewest = 50;

const smoothing = ({ steps }: RunRecord): Pick<Series, 'smooth'> => (steps.length < fewest ? {} : { smooth });

const percent = (value: number): string => `${formatNumber(100 * value)} %`;

/** Widths of charts that stand two and three to a row. */
const [wide, narrow] = [560, 370];

export function drawCurves(run: RunRecord): Content {
  const common = { range: [0, run.length] as const, bands: bandsOf(run), marks: marksOf(run) };
  const row = (name: string, width: number, charts: readonly Curves[]): Content =>
    element(
      'div',
      { class: name },
      charts.map((chart) => drawChart({ ...common, width, ...chart })),
    );
  return [
    row('charts', wide, [loss(run), accuracy(run)]),
    row('charts narrow', narrow, [zeroGroups(run), learningRate(run), imagesPerSecond(run)]),
  ];
}

function bandsOf({ plan }: RunRecord): readonly Band[] {
  if (!plan) return [];
  const { warmup, windowEnd, steps } = plan;
  return [
    { label: 'warm-up', from: 0, to: warmup },
    { label: 'window', from: warmup, to: windowEnd },
    { label: 'frozen', from: windowEnd, to: steps },
  ].filter(({ from, to }) => to > from);
}

const marksOf = ({ selection, erasure }: RunRecord): readonly Mark[] => [
  ...(selection ? [{ label: 'selection', at: selection.step }] : []),
  ...(erasure ? [{ label: 'rebuilt', at: erasure.step }] : []),
];

/** A chart but for what all have in common. */
type Curves = Pick<Chart, 'title' | 'series' | 'format' | 'include'>;

const loss = (run: RunRecord): Curves => ({
  title: 'Loss',
  format: formatNumber,
  series: [
    {
      label: 'training',
      colour: 'blue',
      shape: 'line',
      ...smoothing(run),
      points: run.steps.map((s) => [s.step, s.loss]),
    },
    { label: 'test', colour: 'orange', shape: 'dots', points: run.epochs.map((e) => [e.step, e.testLoss]) },
  ],
});

const accuracy = ({ steps, epochs, selection }: RunRecord): Curves => ({
  title: 'Accuracy',
  format: percent,
  series: [
    {
      label: 'training',
      colour: 'blue',
      shape: 'line',
      points: steps.map((s) => [s.step, s.accuracy]),
    },
    { label: 'test', colour: 'orange', shape: 'dots', points: epochs.map((e) => [e.step, e.testAccuracy]) },
    {
      label: 'super-network',
      colour: 'purple',
      shape: 'dots',
      points: selection ? [[selection.step, selection.accuracy]] : [],
    },
  ],
});

const zeroGroups = ({ steps, selection }: RunRecord): Curves => ({
  title: 'Groups at zero',
  format: formatNumber,
  include: [0, selection?.groups.length ?? 0],
  series: [
    {
      label: 'zero',
      colour: 'green',
      shape: 'steps',
      points: steps.map((s) => [s.step, s.zeroGroups]),
    },
  ],
});

const learningRate = ({ steps }: RunRecord): Curves => ({
  title: 'Learning rate',
  format: formatNumber,
  include: [0],
  series: [
    { label: 'rate', colour: 'purple', shape: 'line', points: steps.map((s) => [s.step, s.learningRate]) },
  ],
});

const imagesPerSecond = (run: RunRecord): Curves => ({
  title: 'Images a second',
  format: formatNumber,
  include: [0],
  series: [
    {
      label: 'trained',
      colour: 'blue',
      shape: 'line',
      ...smoothing(run),
      points: run.steps.map((s) => [s.step, s.imagesPerSecond]),
    },
  ],
});
