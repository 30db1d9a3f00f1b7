// Which score chooses best? Trains StackedUnets on the bundled sample once a score and seed, and without
// erasing, and prints the mean accuracy of the sub-networks as a table of docs/results.md.
//
//   npx tsx bench/scores.ts [--remove K] [--width N] [--epochs N] [--seeds N] [--threads N]

import { parseArgs } from 'node:util';
import { openDataset, search, selectorNames, type SearchOptions, type Summary } from '../lib/index.js';
import { buildModel } from '../lib/models/index.js';

const { values } = parseArgs({
  options: {
    remove: { type: 'string', default: '3' },
    width: { type: 'string', default: '16' },
    epochs: { type: 'string', default: '6' },
    seeds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
  },
});

const dataset = await openDataset('sample');
const model = buildModel('stackedunets', {
  input: dataset.shape,
  classes: dataset.classes.length,
  width: Number(values.width),
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed);
const target = { kind: 'count', count: Number(values.remove) } as const;

/** The runs of one row, a seed each. */
async function runs(options: SearchOptions): Promise<readonly Summary[]> {
  const summaries: Summary[] = [];
  for (const seed of seeds) {
    const { summary } = await search(model, dataset, {
      epochs: Number(values.epochs),
      threads: Number(values.threads),
      learningRate: 0.05,
      seed,
      ...options,
    });
    if (summary) summaries.push(summary);
  }
  return summaries;
}

function row(name: string, summaries: readonly Summary[]): string {
  const accuracies = summaries.map(({ subnet }) => 100 * subnet.accuracy);
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  const params = summaries.map(({ subnet }) => subnet.params).join(', ');
  const erased = summaries.map((summary) => summary.erased.join(' ') || 'none').join(' / ');
  const spread = `${Math.min(...accuracies).toFixed(1)} to ${Math.max(...accuracies).toFixed(1)}`;
  return `| ${name} | ${mean.toFixed(2)} % | ${spread} | ${erased} | ${params} |`;
}

console.log('| score | mean accuracy | from, to | erased segments, by seed | parameters left |');
console.log('|---|---|---|---|---|');
console.log(row('(nothing erased)', await runs({})));
for (const score of selectorNames) console.log(row(score, await runs({ score, target })));
