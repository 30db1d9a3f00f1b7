// The first thing a report says: how far the run is, and what the sub-network is beside the super-network.

import type { Summary } from '../train/search.js';
import { element, type Content } from './markup.js';
import {
  formatCount,
  formatIds,
  formatNumber,
  formatPercent,
  formatSeconds,
  formatSegments,
  formatShare,
} from './numbers.js';
import { note, table } from './page.js';
import type { RunRecord } from './read-run.js';

/** One line below the title. */
export function describeState({ length, steps, epochs, summary }: RunRecord): Content {
  if (summary) {
    const { dataset, seconds, seed } = summary;
    const facts = `${summary.steps} steps on ${dataset}, ${formatSeconds(seconds)} of training, seed ${seed}`;
    return [state('complete', 'complete'), facts];
  }
  const done = Math.max(steps.at(-1)?.step ?? 0, epochs.at(-1)?.step ?? 0);
  const guess = 'it is still running, was stopped, or ended in an error';
  return [state('incomplete', 'not complete'), `step ${done} of ${length}: ${guess}`];
}

const state = (name: string, text: string): Content => [
  element('span', { class: `state ${name}` }, text),
  ' ',
];

export const drawHeadline = (run: RunRecord): Content =>
  run.summary ? drawSummary(run.summary) : drawStanding(run);

function drawSummary(summary: Summary): Content {
  const { supernet, subnet } = summary;
  const columns = [
    { heading: '' },
    { heading: 'super-network', numeric: true },
    { heading: 'sub-network', numeric: true },
    { heading: '' },
  ];
  const rows = [
    compare('parameters', supernet.params, subnet.params),
    compare('multiply-accumulates', supernet.macs, subnet.macs),
    [
      'accuracy on the test split',
      formatPercent(supernet.accuracy),
      formatPercent(subnet.accuracy),
      points(subnet.accuracy - supernet.accuracy),
    ],
  ];
  return [element('div', { class: 'headline' }, table(columns, rows)), note(explain(summary))];
}

const compare = (name: string, whole: number, part: number): readonly Content[] => [
  name,
  formatCount(whole),
  formatCount(part),
  [ratioBar(part / whole), `${formatShare(part / whole)} left`],
];

const ratioBar = (share: number): Content =>
  element('span', { class: 'bar' }, element('i', { style: `width:${(100 * share).toFixed(1)}%` }));

/** `+1.20 points` */
const points = (difference: number): string =>
  `${difference < 0 ? '−' : '+'}${Math.abs(100 * difference).toFixed(2)} points`;

const explain = ({ supernet, erased, maxDifference, relativeDifference }: Summary): string =>
  [
    erased.length === 0 ? 'Nothing was erased.' : `Erased segments: ${formatIds(erased)}.`,
    'Largest difference between the outputs of the zeroed super-network and the sub-network:',
    `${formatDifference(maxDifference)}, relative to the largest output ${formatDifference(relativeDifference)}.`,
    ...(supernet.measured === 'selection'
      ? [
          'The accuracy of the super-network is that of the moment of selection:',
          'from there on, the run trained the network without the erased segments.',
        ]
      : []),
  ].join(' ');

const formatDifference = (value: number): string => (value === 0 ? '0' : value.toExponential(1));

/** What a run that is not complete knows so far. */
function drawStanding({ steps, epochs, selection, erasure }: RunRecord): Content {
  const [step, epoch] = [steps.at(-1), epochs.at(-1)];
  const rows = [
    ...(step ? [['training loss', formatNumber(step.loss)]] : []),
    ...(epoch
      ? [[`test accuracy after epoch ${formatNumber(epoch.epoch)}`, formatPercent(epoch.testAccuracy)]]
      : []),
    ...(selection ? [['chosen to be erased', formatSegments(selection.segments)]] : []),
    ...(erasure
      ? [
          ['parameters left', formatCount(erasure.params)],
          ['multiply-accumulates left', formatCount(erasure.macs)],
        ]
      : []),
  ];
  if (rows.length === 0) return note('Nothing has been measured yet.');
  return element('div', { class: 'headline' }, table([{ heading: '' }, { heading: '' }], rows));
}
