// A built-in super-network, searched on the bundled sample, and the sub-network asked about an image.
//
//     npx tsx examples/first-search.ts [steps]

import { InferenceNetwork, openDataset, search } from 'halfspace';
import { buildModel } from 'halfspace/models';

const steps = Number(process.argv[2] ?? 600);

const dataset = await openDataset('sample');
const classes = dataset.classes.length;
const model = buildModel('demosupnet', { input: dataset.shape, classes, width: 8 });

const run = search(model, dataset, { target: { kind: 'count', count: 2 }, steps });
for await (const event of run) {
  if (event.kind === 'selection') console.log(`erasing segments ${event.segments.join(', ')}`);
  if (event.kind === 'epoch')
    console.log(`${(100 * event.testAccuracy).toFixed(1)} % after ${event.step} steps`);
}
const { subnet, summary } = await run;
console.log(summary);

if (subnet) {
  const { pixels } = await dataset.test.image(0);
  const [mean = 0] = dataset.mean;
  const [deviation = 1] = dataset.deviation;
  using network = await InferenceNetwork.open(subnet.graph, subnet.weights);
  const [logits = new Float32Array()] = await network.run({
    image: Float32Array.from(pixels, (pixel) => (pixel / 255 - mean) / deviation),
  });
  console.log(`the first test image is a ${dataset.classes[logits.indexOf(Math.max(...logits))]}`);
}
