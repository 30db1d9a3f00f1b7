// Holds whole training steps of a device to the reference interpreter, on a network of branches that
// meet in sums and concatenations. Each step starts from the device's own state, so that every step is
// judged by itself and rounding does not pile up.

import test, { type ExecutionContext } from 'ava';
import { packWeights, offsetOf, type ArenaLayout } from '../lib/compile/layout.js';
import { compileTraining, type TrainingOptions } from '../lib/compile/training.js';
import type { Span } from '../lib/compile/update.js';
import type { Graph } from '../lib/graph.js';
import { Network } from '../lib/network.js';
import { random } from '../lib/random.js';
import { elements } from '../lib/shape.js';
import { Session } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';
import { close } from './parity.js';
import { ReferenceSession } from './reference.js';

/**
 * A dozen layers deep, each adding about 1e-6 of its largest magnitude, forward and backward; batch
 * normalisation divides by standard deviations below one, which magnifies what came before.
 */
const TOLERANCE = 2e-5;

export const BATCH = 4;

/** Convolutions of all kinds, pooling, resizing, a sum and a concatenation; images [N, 3, 12, 12]. */
export function branchyNetwork(): Graph {
  const network = new Network();
  const x = network.input('images', [1, 3, 12, 12]);
  const stem = network.relu(
    network.batchNorm(network.conv(x, 16, { name: 'stem', bias: false }), { name: 'stem_bn' }),
  );
  const down = network.conv(stem, 17, { stride: 2, padding: 1, name: 'down' });
  const left = network.relu(network.batchNorm(down, { name: 'down_bn' }));
  const right = network.relu(network.conv(network.maxPool(stem), 24, { kernel: 1, name: 'side' }));
  const deep = network.batchNorm(network.conv(network.concat([left, right]), 16, { name: 'deep' }), {
    name: 'deep_bn',
  });
  const joined = network.relu(network.add([stem, network.resize(deep, { scale: 2 })]));
  const wide = network.conv(joined, 16, { kernel: 5, groups: 16, name: 'depthwise' });
  const mixed = network.relu(
    network.conv(network.batchNorm(wide, { name: 'wide_bn' }), 40, { kernel: 1, name: 'pointwise' }),
  );
  const pooled = network.averagePool(mixed, { kernel: 3, stride: 2, padding: 1, countIncludePad: true });
  const features = network.flatten(network.globalAveragePool(pooled));
  return network.graph([network.linear(features, 10, { name: 'head' })]);
}

/** The groups of the tests: all of the branch `down`, and the side branch. */
function groupsOf(graph: Graph, layout: ArenaLayout): readonly (readonly Span[])[] {
  const spans = (prefix: string): Span[] =>
    graph.parameters
      .filter((p) => p.trainable && p.name.startsWith(prefix))
      .map((p) => ({ offset: offsetOf(layout, p.name), length: elements(p.type.shape), stride: 1 }));
  return [spans('down'), spans('side')];
}

/** One random batch; the last row is padding. */
export function batchOf(graph: Graph, step: number) {
  const stream = random(step, 5);
  const size = elements(graph.inputs[0]?.type.shape.slice(1) ?? []);
  return {
    images: Float32Array.from({ length: BATCH * size }, () => stream.normal()),
    labels: Int32Array.from({ length: BATCH }, (_, row) => (row === BATCH - 1 ? -1 : stream.below(10))),
  };
}

const RATES: Readonly<Record<TrainingOptions['rule'], number>> = { sgd: 0.05, adam: 1e-3, adamw: 1e-3 };

/**
 * Adam's epsilon is 1e-3 here: with 1e-8 its first steps are the signs of the gradients, and those of a
 * bias before a batch normalisation are nothing but rounding.
 */
const hyperOf = (rule: TrainingOptions['rule'], step: number): Float64Array =>
  Float64Array.of(RATES[rule], 0.9, 0.999, 1e-3, 1e-3, step, 1e-3, 2, 10, 0.95);

export function holdTrainingToReference(device: string): void {
  for (const rule of ['sgd', 'adam', 'adamw'] as const) {
    test(`${device} trains a network of branches like the reference, ${rule}`, async (t) => {
      await train(t, { batch: BATCH, device, rule, smoothing: 0.1, groups: [] });
    });
  }
}

async function train(t: ExecutionContext, options: TrainingOptions): Promise<void> {
  const graph = branchyNetwork();
  const { layout } = compileTraining(graph, options);
  const { program } = compileTraining(graph, { ...options, groups: groupsOf(graph, layout) });
  using session = Session.open(program, { precision: 'fp32' });
  session.write('parameters', packWeights(layout, graph, initialWeights(graph, 3)));
  for (let step = 1; step <= 4; step += 1) {
    const reference = new ReferenceSession(program);
    for (const { name } of program.arenas) reference.write(name, session.read(name));
    const batch = batchOf(graph, step);
    // The second group is taken from the third step on, and gone after the fourth.
    const ceilings = Float64Array.of(Infinity, [Infinity, Infinity, 0.5, 0][step - 1] as number);
    const update = { ...batch, hyper: hyperOf(options.rule, step), ceilings };
    for (const [entry, data] of Object.entries({ probe: batch, eval: batch, train: update })) {
      const expected = reference.run(entry, data);
      const actual = await session.run(entry, data);
      for (const [name, values] of Object.entries(expected)) {
        close(t, `${name} of ${entry} ${step}`, actual[name], values, TOLERANCE);
      }
    }
    for (const { name } of program.arenas) {
      close(t, `${name} after step ${step}`, session.read(name), reference.read(name), TOLERANCE);
    }
  }
}
