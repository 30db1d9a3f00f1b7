// Which way of choosing suits gates beside layers? Trains a super-network with gates for a while, lets every
// selector choose among all its groups, and prints the loss without them, as a table of docs/results.md:
// on training batches that no selector saw, before any step could repair what the choice breaks.
//
//   npx tsx bench/gates.ts [--model darts|stackedunets] [--steps N] [--share F] [--seed N] [--threads N]

import { parseArgs } from 'node:util';
import { offsetOf } from '../lib/compile/layout.js';
import { horizontalFlip, resize } from '../lib/data/augment.js';
import { openDataset } from '../lib/data/open.js';
import type { Graph } from '../lib/graph.js';
import { darts } from '../lib/models/darts.js';
import { stackedUnets } from '../lib/models/stackedunets.js';
import { random } from '../lib/random.js';
import { addGates } from '../lib/search/gates.js';
import { beginSelection, selectByScore } from '../lib/search/selection.js';
import { groupSpans, searchSpace } from '../lib/search/space.js';
import { leastHarmful, selectByAblation } from '../lib/train/ablation.js';
import { DeviceNetwork, openNative } from '../lib/train/device-network.js';
import { feed, probeBatches } from '../lib/train/feed.js';
import { ablationProbe, spanSize } from '../lib/train/groups.js';
import { hyperVector, optimizer } from '../lib/train/optimizer.js';
import { initialPolicy, observe, type PolicyState } from '../lib/train/policy.js';
import { groupStatistics, score, scoreNames, type ScoreName } from '../lib/train/scores.js';
import { initialWeights } from '../lib/weights.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'darts' },
    steps: { type: 'string', default: '60' },
    share: { type: 'string', default: '0.6' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
  },
});

const SIDE = 16;
const BATCH = 32;
const SEED = Number(values.seed);
const RANDOM_CHOICES = 5;

const sample = await openDataset('sample');
const dataset = {
  ...sample,
  shape: [1, SIDE, SIDE] as const,
  augment: { train: [resize(SIDE), horizontalFlip()], test: [resize(SIDE)] },
};

function superNetwork(): Graph {
  const options = { input: dataset.shape, classes: dataset.classes.length };
  return values.model === 'darts'
    ? darts(3, { ...options, width: 8 })
    : stackedUnets({ ...options, width: 16 });
}

const { graph, gates } = addGates(superNetwork());
const space = searchSpace(graph);
const target = { kind: 'count', count: Math.round(Number(values.share) * space.maxRemovable) } as const;
const rule = optimizer('sgd');
const network = await DeviceNetwork.open(
  graph,
  () => ({ weights: initialWeights(graph, SEED), optimizer: [] }),
  {
    batch: BATCH,
    optimizer: rule,
    loss: null,
    smoothing: 0,
    softTargets: false,
    probed: true,
    device: 'cpu',
    open: openNative(Number(values.threads)),
    groups: (layout) => space.groups.map((group) => groupSpans(group, (name) => offsetOf(layout, name))),
  },
);
const images = { dataset, batch: BATCH, seed: SEED, augment: dataset.augment.train };

/** Trains plainly; the averaged scores of every kind at the end. */
async function warmUp(steps: number): Promise<ReadonlyMap<ScoreName, PolicyState>> {
  const sizes = network.groups.map(spanSize);
  const free = new Float64Array(space.groups.length).fill(Infinity);
  let states = new Map(scoreNames.map((name) => [name, initialPolicy]));
  let step = 0;
  for await (const batch of feed(images, 0, steps)) {
    const rate = 0.05 * Math.min(1, (step + 1) / 20);
    const { statistics } = await network.step(batch, hyperVector(rule, rate, step), free);
    const groups = groupStatistics(statistics, sizes);
    states = new Map([...states].map(([name, state]) => [name, observe(state, score(name), groups, 0.9)]));
    step += 1;
  }
  return states;
}

const states = await warmUp(Number(values.steps));
const batches = await probeBatches(images, 1000, 10);
const seen = ablationProbe(network, batches.slice(0, 2));
const compared = ablationProbe(network, batches.slice(2, 4));
const unseen = ablationProbe(network, batches.slice(4));
const isGate = new Set(gates.map(({ name }) => name));

async function row(name: string, taken: readonly number[]): Promise<void> {
  const loss = await unseen.measure.loss(taken);
  const gone = taken.filter((id) => isGate.has(space.groups[id]?.parameters[0] ?? '')).length;
  console.log(`| ${name} | ${loss.toFixed(3)} | ${gone} | ${taken.length - gone} |`);
}

console.log(`${space.groups.length} groups, ${gates.length} of them gates\n`);
console.log('| selector | loss without them | gates | layers |\n|---|---|---|---|');
await row('(nothing erased)', []);
const scored = [...states].map(([name, { scores }]) => ({
  name,
  taken: selectByScore(space, target, scores),
}));
for (const { name, taken } of scored) await row(name, taken);
for (let seed = 1; seed <= RANDOM_CHOICES; seed += 1) {
  const stream = random(seed);
  await row(
    `random ${seed}`,
    selectByScore(
      space,
      target,
      space.groups.map(() => stream.uniform()),
    ),
  );
}
const limits = { budget: 600, rounds: target.count };
const measured = {
  name: 'losses alone',
  taken: await selectByAblation(beginSelection(space, target), seen.measure, limits),
};
await row(measured.name, measured.taken);
const beside = scored.filter(({ name }) => name === 'cosine');
const { name, taken } = await leastHarmful([measured, ...beside], (groups) => compared.measure.loss(groups));
await row(`ablation (here: ${name})`, taken);
network.dispose();
