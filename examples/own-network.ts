// A super-network of one's own: three branches into a sum, one beside it into a concatenation. What can be
// erased is found, not declared.
//
//     npx tsx examples/own-network.ts [steps]

import { writeFile } from 'node:fs/promises';

import { Network, openDataset, search, searchSpace, toOnnx, type Graph, type Value } from 'halfspace';

const steps = Number(process.argv[2] ?? 600);

function superNetwork(classes: number): Graph {
  const net = new Network();
  const unit = (x: Value, channels: number, kernel: number, name: string): Value =>
    net.relu(net.batchNorm(net.conv(x, channels, { kernel, bias: false, name })));

  const stem = unit(net.input('image', [1, 1, 28, 28]), 16, 3, 'stem');
  const small = net.maxPool(stem);
  const sum = net.add([
    small,
    unit(small, 16, 1, 'one'),
    unit(small, 16, 3, 'three'),
    unit(small, 16, 5, 'five'),
  ]);
  const joined = net.concat([sum, unit(small, 16, 3, 'aside')]);
  const features = net.globalAveragePool(unit(joined, 32, 3, 'mix'));
  return net.graph([net.linear(net.flatten(features), classes, { name: 'head' })]);
}

const dataset = await openDataset('sample');
const model = superNetwork(dataset.classes.length);

for (const { id, nodes, removable, reason } of searchSpace(model).segments) {
  const names = nodes.map(({ name }) => name).join(' ');
  console.log(`${id}  ${removable ? 'can be erased' : `stays: ${reason}`}  (${names})`);
}

const { subnet, summary } = await search(model, dataset, { target: { kind: 'macs', limit: 2.5e6 }, steps });
if (subnet) await writeFile('sub.onnx', toOnnx(subnet.graph, subnet.weights));
console.log(summary);
