// A data set, a loss, a score and a schedule of one's own.
//
//     npx tsx examples/own-parts.ts [steps]

import {
  collectDataset,
  ops,
  search,
  type LearningRate,
  type Loss,
  type Sample,
  type Score,
} from 'halfspace';
import { buildModel } from 'halfspace/models';

const steps = Number(process.argv[2] ?? 300);

/** Stripes that run across, down or aslant, on noise. */
function* stripes(count: number, noise: () => number): Generator<Sample> {
  for (let index = 0; index < count; index += 1) {
    const label = index % 3;
    const phase = ([x, y]: readonly [number, number]): number => [y, x, x + y][label] as number;
    const pixels = Uint8Array.from({ length: 28 * 28 }, (_, at) => {
      const bright = phase([at % 28, Math.floor(at / 28)]) % 6 < 3;
      return (bright ? 120 : 0) + 135 * noise();
    });
    yield { pixels, label };
  }
}

const dataset = await collectDataset({
  name: 'stripes',
  classes: ['across', 'down', 'aslant'],
  shape: [1, 28, 28],
  train: stripes(960, Math.random),
  test: stripes(240, Math.random),
});

/** Focal loss, -(1 - p)^2 log p of the true class: images that are right already count little. */
const focal: Loss = (network, logits, targets) => {
  const p = network.apply(ops.softmax(1), [logits]);
  const doubt = network.apply(ops.power(2), [network.apply(ops.affine(-1, 1), [p])]);
  const terms = network.multiply(network.multiply(targets, doubt), network.apply(ops.log(), [p]));
  return network.apply(ops.affine(-1, 0), [
    network.apply(ops.reduceSum({ axes: [1], keep: false }), [terms]),
  ]);
};

/** The largest group is the most redundant. */
const largest: Score = (groups) => groups.map(({ size }) => size);

/** Falls to zero as a square root. */
const root: LearningRate = (step, all) => 0.05 * Math.sqrt(1 - step / all);

const model = buildModel('demosupnet', { input: dataset.shape, classes: 3, width: 8 });
const { summary } = await search(model, dataset, {
  target: { kind: 'fraction', fraction: 0.3 },
  loss: focal,
  score: largest,
  schedule: root,
  batch: 32,
  steps,
});
console.log(summary);
