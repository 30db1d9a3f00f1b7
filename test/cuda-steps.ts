// Run by cuda-journal.test.ts: some training steps on the CUDA device; as in training, the images of one travel
// while the step before it is computed.

import { compileTraining } from '../lib/compile/training.js';
import { HYPER } from '../lib/compile/update.js';
import { packWeights } from '../lib/compile/layout.js';
import { Session, type Arrays } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';
import { BATCH, batchOf, branchyNetwork } from './branchy-network.js';

const STEPS = 8;

const graph = branchyNetwork();
const { program, layout } = compileTraining(graph, { batch: BATCH, device: 'cuda', rule: 'sgd', groups: [] });
using session = await Session.open(program, { trace: false });
session.write('parameters', packWeights(layout, graph, initialWeights(graph, 3)));
const settings: Arrays = {
  hyper: new Float64Array(HYPER.length).fill(0.01),
  ceilings: new Float64Array(0),
};

let example: Arrays = batchOf(graph, 0);
for (let step = 1; step <= STEPS; step += 1) {
  const running = session.run('train', { ...example, ...settings });
  if (session.stage('train', batchOf(graph, step))) example = {};
  console.log((await running)['loss']?.[0]);
}
