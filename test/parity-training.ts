// Holds whole training steps of a device to the reference interpreter, on a network of branches that
// meet in sums and concatenations. Each step starts from the device's own state, so that every step is
// judged by itself and rounding does not pile up.

import type { ExecutionContext } from 'ava';
import { packWeights, offsetOf, type ArenaLayout } from '../lib/compile/layout.js';
import { compileTraining, type TrainingOptions } from '../lib/compile/training.js';
import type { Span } from '../lib/compile/update.js';
import type { Graph } from '../lib/graph.js';
import { elements } from '../lib/shape.js';
import { Session } from '../lib/train/session.js';
import { initialWeights } from '../lib/weights.js';
import { BATCH, batchOf, branchyNetwork } from './branchy-network.js';
import { close, testOn } from './parity.js';
import { ReferenceSession } from './reference.js';

/**
 * A dozen layers deep, each adding about 1e-6 of its largest magnitude, forward and backward; batch
 * normalisation divides by standard deviations below one, which magnifies what came before.
 */
const TOLERANCE = 2e-5;

/** The groups of the tests: all of the branch `down`, and the side branch. */
function groupsOf(graph: Graph, layout: ArenaLayout): readonly (readonly Span[])[] {
  const spans = (prefix: string): Span[] =>
    graph.parameters
      .filter((p) => p.trainable && p.name.startsWith(prefix))
      .map((p) => ({ offset: offsetOf(layout, p.name), length: elements(p.type.shape), stride: 1 }));
  return [spans('down'), spans('side')];
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
    testOn(device)(`${device} trains a network of branches like the reference, ${rule}`, async (t) => {
      await train(t, { batch: BATCH, device, rule, smoothing: 0.1, groups: [] });
    });
  }
}

async function train(t: ExecutionContext, options: TrainingOptions): Promise<void> {
  const graph = branchyNetwork();
  const { layout } = compileTraining(graph, options);
  const { program } = compileTraining(graph, { ...options, groups: groupsOf(graph, layout) });
  using session = await Session.open(program, { precision: 'fp32' });
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
