// An ONNX file in, a smaller ONNX file out: searched on images of its size.
//
//     npx tsx examples/erase-onnx.ts model.onnx [steps]

import { readFile, writeFile } from 'node:fs/promises';

import { fromOnnx, openDataset, search, toOnnx } from 'halfspace';

const [file = 'model.onnx', steps = '600'] = process.argv.slice(2);

const model = fromOnnx(await readFile(file));
const dataset = await openDataset('sample');
const { subnet, summary } = await search(model, dataset, {
  target: { kind: 'fraction', fraction: 0.5 },
  steps: Number(steps),
});
if (subnet) {
  const outputNames = model.outputs.map(({ name }) => name);
  await writeFile('sub.onnx', toOnnx(subnet.graph, subnet.weights, { outputNames }));
}
console.log(summary);
