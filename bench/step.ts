// How long is a training step (forward, backward, SGD momentum update), against PyTorch's two layouts?

import { buildModel } from '../lib/models/index.js';
import { HYPER } from '../lib/compile/update.js';
import { compileTraining } from '../lib/compile/training.js';
import { packWeights } from '../lib/compile/layout.js';
import { Session } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';
import { random } from '../lib/random.js';
import { atBatch, type Graph } from '../lib/graph.js';
import { elements } from '../lib/shape.js';
import { measure, timed, type Contender, type MeasureOptions } from './measure.js';
import { PyTorchPeer } from './peer.js';
import type { BenchContext, Result } from './report.js';

/** The networks at the batch size that suits their cost. */
const batches: Readonly<Record<string, number>> = {
  stackedunets: 64,
  demosupnet: 64,
  'regnet-800m': 32,
  superresnet: 16,
  'darts-8': 16,
};

export async function benchSteps(context: BenchContext): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const [model, batch] of Object.entries(batches)) {
    const name = `step/${model}`;
    if (!context.selected(name)) continue;
    results.push(await benchStep(name, buildModel(model), context.short ? 2 : batch, context));
  }
  return results;
}

async function benchStep(name: string, graph: Graph, batch: number, context: BenchContext): Promise<Result> {
  using session = openSession(graph, batch, context.threads);
  const ours = stepContender(session, graph, batch);
  if (context.python === null)
    return { name, ours: (await measure([ours], context.timing))[0]?.median ?? NaN };
  const peer = await PyTorchPeer.start(context.python, { graph, batch, threads: context.threads });
  process.stderr.write(`${name}: PyTorch ${await peer.version()}, batch ${batch}\n`);
  try {
    return await compare(name, ours, peer, context.timing);
  } finally {
    peer.stop();
  }
}

/** Ours against the better of PyTorch's layouts. */
async function compare(
  name: string,
  ours: Contender,
  peer: PyTorchPeer,
  timing: MeasureOptions,
): Promise<Result> {
  const rivals = [peer.contender('contiguous'), peer.contender('channels_last')];
  const [own, plain, last] = (await measure([ours, ...rivals], timing)).map((m) => m.median) as [
    number,
    number,
    number,
  ];
  return {
    name,
    ours: own,
    peer: Math.min(plain, last),
    details: { contiguous: plain, channels_last: last },
  };
}

function openSession(graph: Graph, batch: number, threads: number): Session {
  const { program, layout } = compileTraining(graph, { batch, rule: 'sgd', groups: [] });
  const session = Session.open(program, { threads });
  session.write('parameters', packWeights(layout, graph, initialWeights(graph, 0)));
  return session;
}

function stepContender(session: Session, graph: Graph, batch: number): Contender {
  const shape = atBatch(graph, batch).inputs[0]?.type.shape ?? [];
  const stream = random(1);
  const classes = graph.outputs[0]?.type.shape[1] ?? 1;
  const inputs = {
    images: Float32Array.from({ length: elements(shape) }, () => stream.normal()),
    labels: Int32Array.from({ length: batch }, () => stream.below(classes)),
    hyper: hyper({ learningRate: 1e-3, momentum: 0.9, step: 1 }),
    ceilings: new Float64Array(0),
  };
  return timed('halfspace', () => session.run('train', inputs));
}

/** The hyper vector with the named entries, the rest zero. */
const hyper = (values: Partial<Record<(typeof HYPER)[number], number>>): Float64Array =>
  Float64Array.from(HYPER, (name) => values[name] ?? 0);
