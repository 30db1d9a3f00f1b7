// Run by cuda-journal.test.ts: some training steps on the CUDA device, two at a time, so that the input of
// one travels while the other is computed.

import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import { packWeights } from '../lib/compile/layout.js';
import { Session } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';
import { BATCH, batchOf, branchyNetwork } from './branchy-network.js';

const PAIRS = 4;

const graph = branchyNetwork();
const { program, layout } = compileTraining(graph, { batch: BATCH, device: 'cuda', rule: 'sgd', groups: [] });
using session = await Session.open(program, { trace: false });
session.write('parameters', packWeights(layout, graph, initialWeights(graph, 3)));
const hyper = new Float64Array(HYPER.length).fill(0.01);

const step = (index: number) =>
  session.run('train', { ...batchOf(graph, index), hyper, ceilings: new Float64Array(0) });

for (let pair = 0; pair < PAIRS; pair += 1) {
  const [first, second] = await Promise.all([step(2 * pair), step(2 * pair + 1)]);
  console.log(JSON.stringify([first?.['loss']?.[0], second?.['loss']?.[0]]));
}
